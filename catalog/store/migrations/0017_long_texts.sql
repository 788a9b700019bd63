-- Free text of any length, in terms of `free_text`. PostgreSQL refuses words of more than 2,046 bytes and
-- vectors of more than 1 MB: such texts could be neither stored nor searched for.

-- The stem of an English word; a word that no dictionary knows, or knows as a filler, stays as it is. Of what
-- is longer than any word, such as an encoded image, the beginning counts, in texts and queries alike.
CREATE OR REPLACE FUNCTION kakehashi.stem(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN word ~ '^[a-z]+$'
        THEN coalesce((ts_lexize('pg_catalog.english_stem', left(word, 100)))[1], left(word, 100))
        ELSE left(word, 100)
    END
$$;

-- What a text can be found by: by its beginning if it is longer than PostgreSQL keeps places (16,383 words).
-- A collection has four of these, which together stay below 1 MB.
CREATE OR REPLACE FUNCTION kakehashi.text_words(raw text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    run text[];
    place int := 1;
    found text := '';
BEGIN
    <<runs>>
    FOR run IN SELECT r FROM kakehashi.text_runs(kakehashi.fold_text(left(raw, 200000))) AS r LOOP
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
                EXIT runs WHEN place > 16383 OR octet_length(found) > 200000;
            END LOOP;
        END IF;
        EXIT WHEN place > 16383 OR octet_length(found) > 200000;
    END LOOP;
    RETURN found::tsvector;
END
$$;
