-- What was answered to requests that had a key of their own, so that one that comes again is not performed again.
-- `request` is a hash of it; `wish` is what it is known by to the engine; without `answer` it is not known what came of it.
CREATE TABLE kept_answers (
    person  TEXT NOT NULL,
    key     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    request TEXT NOT NULL,
    wish    TEXT NOT NULL,
    bytes   INTEGER NOT NULL DEFAULT 0,
    answer  BLOB,
    PRIMARY KEY (person, key)
) WITHOUT ROWID;
CREATE INDEX kept_answers_of ON kept_answers (person, at, bytes);
CREATE INDEX kept_answers_at ON kept_answers (at);
