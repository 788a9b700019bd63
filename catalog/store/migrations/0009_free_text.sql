-- Free-text search, in English and Japanese, without an extension: words become stems, Japanese becomes
-- every character and every pair of characters, each with its place, so that a phrase can be told from
-- its parts. What is searched and what is searched for go through the same functions.

-- One spelling for what people do not tell apart: NFKC (full and half width), lower case, no accents,
-- hiragana for katakana. The marks of Japanese voiced sounds are no accents.
CREATE FUNCTION kakehashi.fold_text(raw text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(translate(
        normalize(regexp_replace(normalize(raw, NFKD), '[\u0300-\u036f]', '', 'g'), NFKC),
        'ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロヮワヰヱヲンヴヵヶヽヾ',
        'ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷへべぺほぼぽまみむめもゃやゅゆょよらりるれろゎわゐゑをんゔゕゖゝゞ'
    ))
$$;

-- A run of text: Latin letters and digits, or what is written without spaces (Chinese characters, kana,
-- Hangul), or another script; or the end of a part (U+2029), over which no phrase reaches.
CREATE FUNCTION kakehashi.text_runs(folded text) RETURNS SETOF text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 20 AS $$
    SELECT regexp_matches(
        folded,
        '([0-9a-z]+)'
        '|([\u3005-\u3007\u3041-\u3096\u309d\u309e\u30fc\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]+)'
        '|([\u00df-\u00f6\u00f8-\u1fff]+)'
        '|(\u2029)',
        'g'
    )
$$;

-- The stem of an English word; a word that no dictionary knows, or knows as a filler, stays as it is.
CREATE FUNCTION kakehashi.stem(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN word ~ '^[a-z]+$'
        THEN coalesce((ts_lexize('pg_catalog.english_stem', word))[1], word)
        ELSE word
    END
$$;

-- What a text can be found by.
CREATE FUNCTION kakehashi.text_words(raw text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    run text[];
    place int := 1;
    found text := '';
BEGIN
    FOR run IN SELECT r FROM kakehashi.text_runs(kakehashi.fold_text(raw)) AS r LOOP
        IF run[4] IS NOT NULL THEN
            place := place + 10;
        ELSIF run[2] IS NULL THEN
            found := found || ' ' || kakehashi.stem(coalesce(run[1], run[3])) || ':' || place;
            place := place + 1;
        ELSE
            FOR n IN 1 .. length(run[2]) LOOP
                found := found || ' ' || substr(run[2], n, 1) || ':' || place;
                IF n < length(run[2]) THEN
                    found := found || ' ' || substr(run[2], n, 2) || ':' || place;
                END IF;
                place := place + 1;
            END LOOP;
        END IF;
    END LOOP;
    RETURN found::tsvector;
END
$$;

-- One word of a query, which has no spaces, as `text_words` has it; and how many places after its last
-- piece the next word stands. ALOS2, ALOS-2 and `ALOS 2` find one another.
CREATE FUNCTION kakehashi.word_query(folded text, OUT query text, OUT step int)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    run text[];
    pieces text[] := '{}';
    latin text[] := '{}';
    steps int[] := '{}'; -- from the place of each piece to what follows it
    kana text;
BEGIN
    FOR run IN SELECT r FROM kakehashi.text_runs(folded) AS r LOOP
        IF run[4] IS NOT NULL THEN
            CONTINUE;
        END IF;
        -- センサー is as often written センサ.
        kana := regexp_replace(run[2], '(..)ー$', '\1');
        IF run[2] IS NULL OR length(kana) = 1 THEN
            latin := latin || run[1];
            pieces := pieces || coalesce(kana, kakehashi.stem(coalesce(run[1], run[3])));
            steps := steps || 1;
            CONTINUE;
        END IF;
        FOR n IN 1 .. length(kana) - 1 LOOP
            pieces := pieces || substr(kana, n, 2);
            steps := steps || 1;
        END LOOP;
        -- The last pair stands one place before the last character.
        steps[array_length(steps, 1)] := 2 + length(run[2]) - length(kana);
    END LOOP;
    step := steps[array_length(steps, 1)];
    query := pieces[1];
    FOR n IN 2 .. coalesce(array_length(pieces, 1), 0) LOOP
        query := query || format(' <%s> ', steps[n - 1]) || pieces[n];
    END LOOP;
    IF array_length(latin, 1) = array_length(pieces, 1) AND array_position(latin, NULL) IS NULL THEN
        IF array_length(latin, 1) BETWEEN 2 AND 4 THEN
            query := query || ' | ' || kakehashi.stem(array_to_string(latin, ''));
        ELSIF latin[1] ~ '^[a-z]{2,}[0-9]' THEN
            query := format(
                '%s | %s <-> %s',
                query, kakehashi.stem(substring(latin[1] FROM '^[a-z]+')), substring(latin[1] FROM '[0-9].*')
            );
        END IF;
    END IF;
END
$$;

-- A term of a query: its words side by side, in order. NULL if nothing in it can be searched for.
CREATE FUNCTION kakehashi.text_query(raw text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    part text;
    word record;
    step int;
    answer text;
BEGIN
    FOREACH part IN ARRAY regexp_split_to_array(kakehashi.fold_text(raw), '\s+') LOOP
        word := kakehashi.word_query(part);
        IF word.query IS NOT NULL THEN
            answer := coalesce(answer || format(' <%s> ', step), '') || '(' || word.query || ')';
            step := word.step;
        END IF;
    END LOOP;
    RETURN answer::tsquery;
END
$$;

-- The strings of a JSON value, at any depth, each a part of its own.
CREATE FUNCTION kakehashi.json_strings(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT string_agg(found #>> '{}', U&'\2029')
    FROM jsonb_path_query(value, '$.** ? (@.type() == "string")') AS found
$$;

-- What each collection can be found by, in all its languages. The more a match tells, the more it weighs:
-- id and title (A), keywords (B), who made it with what (C), the description (D).
CREATE TABLE kakehashi.collection_text (
    collection text PRIMARY KEY REFERENCES pgstac.collections (id) ON DELETE CASCADE ON UPDATE CASCADE,
    words tsvector NOT NULL
);

CREATE FUNCTION kakehashi.collection_words(wanted text) RETURNS tsvector
LANGUAGE sql STABLE STRICT AS $$
    SELECT
        setweight(kakehashi.text_words(concat_ws(U&'\2029', '', wanted, string_agg(part ->> 'title', U&'\2029'))), 'A')
        || setweight(kakehashi.text_words(concat_ws(U&'\2029', '',
            string_agg(kakehashi.json_strings(part -> 'keywords'), U&'\2029'))), 'B')
        || setweight(kakehashi.text_words(concat_ws(U&'\2029', '',
            string_agg(kakehashi.json_strings(part -> 'summaries'), U&'\2029'),
            -- Who looks for satellites means these; hardly a title says that one is.
            max(CASE WHEN part -> 'summaries' ?| '{platform,constellation}'::text[] THEN U&'satellite\2029人工衛星' END),
            string_agg(kakehashi.json_strings(part #> '{themes}'), U&'\2029'),
            string_agg(kakehashi.json_strings(jsonb_path_query_array(part, '$.providers[*].name')), U&'\2029'))), 'C')
        || setweight(kakehashi.text_words(concat_ws(U&'\2029', '',
            string_agg(part ->> 'description', U&'\2029'))), 'D')
    FROM (
        SELECT content AS part FROM pgstac.collections WHERE id = wanted
        UNION ALL
        SELECT content FROM kakehashi.collection_translation WHERE collection = wanted
    ) AS parts
$$;

-- Whoever writes a collection or a translation of it, with whatever tool, keeps its words up to date.
CREATE FUNCTION kakehashi.keep_collection_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = kakehashi, pgstac, public, pg_temp AS $$
DECLARE
    wanted text := CASE WHEN TG_TABLE_NAME = 'collections' THEN to_jsonb(NEW) ->> 'id' ELSE to_jsonb(NEW) ->> 'collection' END;
BEGIN
    INSERT INTO kakehashi.collection_text (collection, words)
    VALUES (wanted, kakehashi.collection_words(wanted))
    ON CONFLICT (collection) DO UPDATE SET words = excluded.words
    WHERE collection_text.words IS DISTINCT FROM excluded.words;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION kakehashi.keep_collection_words() FROM PUBLIC; -- triggers need no right to it
CREATE TRIGGER kakehashi_words AFTER INSERT OR UPDATE OF content ON pgstac.collections
FOR EACH ROW EXECUTE FUNCTION kakehashi.keep_collection_words();
CREATE TRIGGER keep_words AFTER INSERT OR UPDATE ON kakehashi.collection_translation
FOR EACH ROW EXECUTE FUNCTION kakehashi.keep_collection_words();
INSERT INTO kakehashi.collection_text (collection, words)
SELECT id, kakehashi.collection_words(id) FROM pgstac.collections;
