-- Of an effect that leaves the process: for whom it is, when it was made, when it is tried next, what came of it, and who
-- has had their part of it already.
ALTER TABLE jobs ADD COLUMN target TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN state TEXT NOT NULL DEFAULT 'waiting';
ALTER TABLE jobs ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN ended INTEGER;
ALTER TABLE jobs ADD COLUMN error TEXT;
ALTER TABLE jobs ADD COLUMN done TEXT NOT NULL DEFAULT '[]';
CREATE INDEX jobs_waiting ON jobs (kind, target, due) WHERE state = 'waiting';
CREATE INDEX jobs_newest ON jobs (kind, at, id);

-- Where somebody gets mail.
ALTER TABLE people ADD COLUMN email TEXT NOT NULL DEFAULT '';
