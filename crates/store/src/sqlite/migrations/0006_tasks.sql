-- What people are asked, in the order of its coming. `head` is what lists show (JSON).
CREATE TABLE tasks (
    id     INTEGER PRIMARY KEY,
    stream TEXT NOT NULL UNIQUE,
    run    TEXT NOT NULL,
    top    TEXT NOT NULL,
    open   INTEGER NOT NULL,
    head   TEXT NOT NULL
);
CREATE INDEX tasks_of_run ON tasks (run);
CREATE INDEX tasks_of_top ON tasks (top);
CREATE INDEX tasks_open ON tasks (id) WHERE open = 1;

-- Inboxes: who may act on an open task, as the definition names them (`user:`, `group:`, `role:`), in small
-- letters. Without rows once it is over, so that an inbox costs what is in it.
CREATE TABLE task_to (
    person TEXT NOT NULL,
    task   INTEGER NOT NULL,
    PRIMARY KEY (person, task)
) WITHOUT ROWID;
CREATE INDEX task_to_of ON task_to (task);

-- Who has acted on a task.
CREATE TABLE task_acted (
    person TEXT NOT NULL,
    task   INTEGER NOT NULL,
    PRIMARY KEY (person, task)
) WITHOUT ROWID;
