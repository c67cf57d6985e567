-- People and agents. A name stands in the history, so nobody is ever taken out: they are marked as removed.
CREATE TABLE people (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    display    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    removed_at INTEGER,
    removed_by TEXT
);

-- All names that mean somebody, in small letters: their own and their aliases. One name means one user.
CREATE TABLE people_names (
    folded TEXT PRIMARY KEY,
    name   TEXT NOT NULL,
    person INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX people_names_of ON people_names (person);

CREATE TABLE people_groups (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    folded     TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE people_members (
    team   INTEGER NOT NULL,
    person INTEGER NOT NULL,
    PRIMARY KEY (team, person)
) WITHOUT ROWID;

-- Roles of a person or of a group, one of the two. Without a project they hold everywhere.
CREATE TABLE people_roles (
    person  INTEGER,
    team    INTEGER,
    role    TEXT NOT NULL,
    project TEXT
);
CREATE INDEX people_roles_of ON people_roles (person);
CREATE INDEX people_roles_of_groups ON people_roles (team);

CREATE TABLE people_skills (
    person INTEGER NOT NULL,
    skill  TEXT NOT NULL,
    level  INTEGER,
    PRIMARY KEY (person, skill)
) WITHOUT ROWID;

-- What was changed, by whom. Its newest number says whether what somebody has read of the people is still so.
CREATE TABLE people_changes (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    what    TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL
);
