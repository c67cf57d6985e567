-- What lists are filtered by besides status, outcome and workflow. None of it changes once a head was written.
ALTER TABLE heads ADD COLUMN created INTEGER;
ALTER TABLE heads ADD COLUMN project TEXT;
ALTER TABLE heads ADD COLUMN parent TEXT;
UPDATE heads SET
    created = json_extract(head, '$.created_at'),
    project = coalesce(json_extract(head, '$.project'), ''),
    parent = json_extract(head, '$.parent')
WHERE head IS NOT NULL;

-- Each row id stands behind the columns, so that what an index finds comes out in the order of lists. Those that
-- leave out what most rows have cost nothing for most rows: nearly all runs end completed, ok, without a parent.
CREATE INDEX heads_created ON heads (created) WHERE created IS NOT NULL;
CREATE INDEX heads_workflow ON heads (workflow) WHERE workflow IS NOT NULL;
CREATE INDEX heads_project ON heads (project) WHERE project <> '';
CREATE INDEX heads_parent ON heads (parent) WHERE parent IS NOT NULL;
CREATE INDEX heads_status ON heads (status) WHERE status <> 'completed';
CREATE INDEX heads_outcome ON heads (outcome) WHERE outcome <> 'ok';
