-- What runs are found by: inputs with `index: true`, and their values as text. They do not change.
CREATE TABLE keys (
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    stream INTEGER NOT NULL,
    PRIMARY KEY (name, value, stream)
) WITHOUT ROWID;
