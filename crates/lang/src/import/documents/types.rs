//! Scopes, documents and elements of a document workflow.

use super::prompt::{list_of, object, texts};
use crate::import::naming::{Given, snake};
use crate::import::out::{Map, Out, literal, once, prose};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// A type of document.
pub(super) struct Document<'s, 't> {
    pub(super) at: At<'s, 't>,
    pub(super) name: &'t str,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) scope: Option<&'t str>,
    /// Lists that it has to have.
    pub(super) lists: Vec<String>,
    /// Its gate.
    pub(super) accept: Option<Map>,
    /// The scope in which it is produced.
    pub(super) produced: Option<String>,
}

/// What a workflow declares.
pub(super) struct Types<'s, 't> {
    /// Name and id of each scope, with the name of its parent.
    pub(super) scopes: Vec<(&'t str, String, Option<&'t str>)>,
    pub(super) documents: Vec<Document<'s, 't>>,
    /// Scopes that are made up: id, and the id of the one around.
    own: Vec<(String, String)>,
    ids: Given,
    /// Name, id and scope of each kind of element.
    pub(super) entities: Vec<(&'t str, String, Option<&'t str>)>,
}

impl<'s, 't> Types<'s, 't> {
    pub(super) fn read(root: At<'s, 't>) -> Self {
        let mut ids = Given::default();
        let mut scopes: Vec<(&'t str, String, Option<&'t str>)> = Vec::new();
        for (name, at) in root.map("scopes").into_iter().take(limits::IMPORT_GRAPH) {
            let parent = if at.is_map() { at.text_at("parent") } else { None };
            scopes.push((name, ids.give(&snake(name, "scope")), parent));
        }
        let scope_ids = ids;
        let known: Vec<&str> = scopes.iter().map(|(name, ..)| *name).collect();
        for at in 0..scopes.len() {
            let Some(parent) = scopes[at].2 else { continue };
            let mut seen = vec![at];
            let mut up = Some(parent);
            while let Some(name) = up {
                match known.iter().position(|known| *known == name) {
                    Some(next) if !seen.contains(&next) => {
                        seen.push(next);
                        up = scopes[next].2;
                    }
                    found => {
                        let place = root
                            .get("scopes")
                            .and_then(|all| all.get(scopes[at].0))
                            .and_then(|one| one.get("parent"));
                        if let Some(place) = place {
                            let why = if found.is_some() {
                                "the scopes go in a circle"
                            } else {
                                "there is no such scope"
                            };
                            place.say(NotExpressible, format!("{why}: it is left out"));
                        }
                        scopes[at].2 = None;
                        break;
                    }
                }
            }
        }
        let mut ids = Given::default();
        let mut entities = Vec::new();
        for (name, at) in root.map("entity_types").into_iter().take(limits::IMPORT_GRAPH) {
            let scope = if at.is_map() { at.text_at("creates_scope") } else { None };
            if at.is_map() {
                at.get("name");
                at.get("parent_doc_type");
            }
            entities.push((name, ids.give(&snake(name, "item")), scope));
        }
        let mut ids = Given::default();
        let documents = root.map("document_types").into_iter().take(limits::IMPORT_GRAPH);
        let documents =
            documents.map(|(name, at)| document(name, at, ids.give(&snake(name, "document")))).collect();
        Self { scopes, documents, entities, own: Vec::new(), ids: scope_ids }
    }

    pub(super) fn document(&self, name: &str) -> Option<usize> {
        self.documents.iter().position(|document| document.name == name)
    }

    pub(super) fn scope(&self, name: &str) -> Option<&str> {
        self.scopes.iter().find(|(known, ..)| *known == name).map(|(_, id, _)| id.as_str())
    }

    /// A scope for elements that have none, by its id.
    pub(super) fn own_scope(&mut self, element: &str, around: &str) -> String {
        let id = self.ids.give(element);
        self.own.push((id.clone(), around.to_owned()));
        id
    }

    /// `scopes` and `documents`. The one that the steps stand in is that of the whole run.
    pub(super) fn declared(&self, root: At<'_, '_>, outermost: &str) -> (Map, Map) {
        let mut scopes = Map::new();
        for (name, id, parent) in &self.scopes {
            let parent = parent.and_then(|parent| self.scope(parent));
            let inside = parent.is_none() && id != outermost;
            if inside && let Some(at) = root.get("scopes").and_then(|all| all.get(name)) {
                at.say(Changed, format!("one scope is that of the whole run: it is inside of `{outermost}`"));
            }
            scopes.set(id, Map::new().with_some("parent", parent.or_else(|| inside.then_some(outermost))));
        }
        if scopes.is_empty() {
            root.say_of("scopes", Changed, "there are none: one for all", None);
            scopes.set(outermost, Map::new());
        }
        for (id, around) in &self.own {
            scopes.set(id, Map::new().with("parent", around.as_str()));
        }
        let mut documents = Map::new();
        for document in &self.documents {
            let Some(scope) = &document.produced else {
                let why = format!("no step produces `{}`: it is no document of this workflow", document.name);
                document.at.say_all(Changed, why, None);
                continue;
            };
            if document.scope.and_then(|scope| self.scope(scope)) != Some(scope)
                && let Some(at) = document.at.get("scope")
            {
                at.say(Changed, format!("it is produced in the scope `{scope}`"));
            }
            let lists: Vec<(&str, Out)> = document
                .lists
                .iter()
                .map(|list| (list.as_str(), list_of(Map::new().with("type", "object"))))
                .collect();
            let required: Vec<&str> = document.lists.iter().map(String::as_str).collect();
            documents.set(
                &document.id,
                Map::new()
                    .with("scope", scope.as_str())
                    .with("schema", object(&required, &lists))
                    .with_some("accept", document.accept.clone()),
            );
        }
        (scopes, documents)
    }
}

fn document<'s, 't>(name: &'t str, at: At<'s, 't>, id: String) -> Document<'s, 't> {
    let map = Some(at).filter(|at| at.is_map());
    if map.is_none() {
        at.entries();
    }
    let text = |key: &str| map.and_then(|at| at.text_at(key));
    let title = text("name").unwrap_or(name).to_owned();
    let scope = text("scope");
    if let Some(at) = map {
        at.get("may_own");
        at.get("description");
    }
    let list = map.and_then(|at| list_name(at, text("collection_field")?));
    let lists: Vec<String> = list.map(str::to_owned).into_iter().collect();
    let accepted = map.and_then(|at| at.flag("acceptance_required")).unwrap_or(false);
    let by = map.and_then(|at| at.get("accepted_by"));
    let roles = by.map(texts).unwrap_or_default();
    let accept = accepted.then(|| {
        let named = roles.iter().map(|role| word(role)).filter(|role| !role.is_empty());
        let by = once(named.clone().map(|role| format!("role:{role}")));
        if !by.is_empty() && named.count() < roles.len() {
            at.say_of("accepted_by", Changed, "a role without a name is nobody's, and left out", None);
        }
        if by.is_empty() {
            at.say_of(
                "accepted_by",
                Changed,
                &format!("who accepts `{name}` is not said: `role:approver`, and not anyone"),
                Some("name them in `accept.by`"),
            );
        }
        let by = if by.is_empty() { vec!["role:approver".into()] } else { by };
        Map::new()
            .with("title", literal(&prose(&format!("Accept {title}?"), limits::TITLE_CHARS)))
            .with("by", by)
    });
    if let (false, Some(by)) = (accepted, by) {
        by.say_all(NotExpressible, "nobody is asked, since `acceptance_required` is not true", None);
    }
    Document { at, name, id, title, scope, lists, accept, produced: None }
}

/// The name of a list, which stands in a schema, where nothing may begin an expression.
pub(super) fn list_name<'t>(at: At<'_, 't>, name: &'t str) -> Option<&'t str> {
    let fits = !name.contains("${{");
    if !fits && let Some(at) = at.get("collection_field") {
        at.say(NotExpressible, "`${{` begins an expression, and no list has such a name: it is left out");
    }
    fits.then_some(name)
}

/// A name as it stands behind `role:`.
pub(super) fn word(text: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    text.trim().chars().map(fits).collect()
}
