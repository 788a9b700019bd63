/* What the page says, in the languages that the API speaks. */

const TEXTS = {
  en: {
    skip: "Skip to content", language: "Language", map: "Map", zoomIn: "Zoom in", zoomOut: "Zoom out",
    world: "World", mapHint: "Drag to move; buttons or wheel to zoom", api: "STAC API", documentation: "API documentation",
    land: "Land outlines: Natural Earth", collections: "Collections", filter: "Find collections",
    filterHint: "title, mission, keyword …", found: (n) => `${n} ${n === 1 ? "collection" : "collections"}`,
    none: "Nothing found.", loading: "Loading …", failed: "This could not be loaded:", retry: "Try again",
    everything: "All collections", from: "From", to: "To", area: "Area (west, south, east, north)",
    draw: "Draw on the map", drawing: "Drag a box on the map", clear: "Clear", search: "Search",
    items: (n, about) => `${about ? "about " : ""}${n.toLocaleString("en")} ${n === 1 ? "item" : "items"}`,
    back: "Back", more: "More", license: "Licence", providers: "Providers", period: "Period",
    ongoing: "today", keywords: "Keywords", collection: "Collection", properties: "Properties", assets: "Files",
    links: "Links", thumbnail: "Preview", json: "JSON", unset: "not given", size: "size", area_error: "The area is four numbers: west, south, east, north.",
  },
  ja: {
    skip: "本文へ", language: "言語", map: "地図", zoomIn: "拡大", zoomOut: "縮小",
    world: "世界全体", mapHint: "ドラッグで移動、ボタンかホイールで拡大縮小", api: "STAC API", documentation: "APIドキュメント",
    land: "陸地の輪郭：Natural Earth", collections: "コレクション", filter: "コレクションを探す",
    filterHint: "タイトル・衛星・キーワードなど", found: (n) => `${n}件のコレクション`,
    none: "見つかりませんでした。", loading: "読み込み中…", failed: "読み込めませんでした：", retry: "再試行",
    everything: "コレクション一覧", from: "開始日", to: "終了日", area: "範囲（西, 南, 東, 北）",
    draw: "地図で指定", drawing: "地図上をドラッグしてください", clear: "条件をクリア", search: "検索",
    items: (n, about) => `${about ? "約" : ""}${n.toLocaleString("ja")}件`,
    back: "前へ", more: "次へ", license: "ライセンス", providers: "提供者", period: "期間",
    ongoing: "現在", keywords: "キーワード", collection: "コレクション", properties: "属性", assets: "ファイル",
    links: "リンク", thumbnail: "プレビュー", json: "JSON", unset: "記載なし", size: "サイズ", area_error: "範囲は西・南・東・北の4つの数です。",
  },
};

export const LANGUAGES = Object.keys(TEXTS);

let current = "en";

/** Choose the language of the page, and say in it what stands in the document already. */
export function speak(language) {
  current = language in TEXTS ? language : "en";
  document.documentElement.lang = current;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", text(node.dataset.label));
  for (const node of document.querySelectorAll("[data-language]")) {
    node.setAttribute("aria-pressed", String(node.dataset.language === current));
  }
}

/** The language of the page. */
export function language() {
  return current;
}

/** A text in the language of the page. */
export function text(name, ...values) {
  const found = TEXTS[current][name];
  return typeof found === "function" ? found(...values) : found;
}
