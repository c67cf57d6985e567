-- Links to one open task: a key of the kind `link` is good for this task, and for what of it was shown when it was made.
ALTER TABLE access_keys ADD COLUMN task TEXT;
ALTER TABLE access_keys ADD COLUMN version TEXT;
