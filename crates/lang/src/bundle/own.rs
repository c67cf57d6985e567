//! What a library keeps of a bundle.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bundle, collect, split};
use crate::{names, tree};

impl Bundle {
    /// The name that the definition says it has, whether or not it could be one.
    pub fn says_it_is(&self) -> Option<String> {
        let (file, pointer) = split(&self.entry);
        let document = tree::read(file, self.files.get(file)?, &mut Vec::new())?;
        document.at(pointer)?.get("name")?.raw().map(str::to_owned)
    }

    /// The workflows that it calls by name: itself, and in children that it names by path or has in it.
    pub fn calls(&self) -> Vec<String> {
        let name = |reference: &String| names::reference(reference).ok().map(|(name, _)| name.to_owned());
        let names: BTreeSet<String> = self.without_called().named.keys().filter_map(name).collect();
        names.into_iter().collect()
    }

    /// The definition and what it names by path.
    fn without_called(&self) -> Self {
        collect(&self.entry, &mut |path| match self.files.get(path) {
            Some(text) => Ok(text.clone()),
            None => Err(self.unread.get(path).cloned().unwrap_or(tree::ReadProblem::NotFound)),
        })
    }

    /// The definition and what it names by path, without what it calls by name. Its paths begin where all of them part:
    /// where somebody keeps them on their machine does not matter.
    pub fn own(&self) -> Self {
        let own = self.without_called();
        let (file, pointer) = split(&own.entry);
        let all: Vec<Vec<&str>> =
            own.files.keys().chain(own.unread.keys()).map(String::as_str).chain([file]).map(steps).collect();
        let most = all.iter().map(|path| path.len().saturating_sub(1)).min().unwrap_or(0);
        let same = |at: &usize| all.iter().all(|path| path[*at] == all[0][*at]);
        let above = (0..most).take_while(same).count();
        let short = |path: &str| steps(path)[above..].join("/");
        let entry = match pointer {
            "" => short(file),
            pointer => format!("{}#{pointer}", short(file)),
        };
        Self {
            entry,
            files: own.files.iter().map(|(path, text)| (short(path), text.clone())).collect(),
            unread: own.unread.iter().map(|(path, why)| (short(path), why.clone())).collect(),
            called: None,
            named: BTreeMap::new(),
        }
    }
}

fn steps(path: &str) -> Vec<&str> {
    path.split('/').filter(|step| !matches!(*step, "" | ".")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    const PARENT: &str = "stead: 1\nname: p\nsteps:\n  - id: c\n    workflow: { path: sub/c.yml }\n";
    const CHILD: &str = "stead: 1\nname: c\nsteps:\n  - { id: a, run: ls }\n";

    #[test]
    fn what_is_kept_does_not_say_where_it_lay() {
        for (base, kept) in
            [("", "p.yml"), ("./", "p.yml"), ("flows/", "p.yml"), ("/home/ana/x/", "p.yml"), ("../", "p.yml")]
        {
            let mut bundle = Bundle::single(format!("{base}p.yml"), PARENT);
            bundle.files.insert(format!("{base}sub/c.yml"), CHILD.to_owned());
            bundle.files.insert(format!("{base}other.yml"), "named by nobody".to_owned());
            let own = bundle.own();
            assert_eq!(own.entry, kept, "{base}");
            assert_eq!(own.files.keys().collect::<Vec<_>>(), ["p.yml", "sub/c.yml"], "{base}");
            assert_eq!(own.own(), own);
            let revision = |bundle: &Bundle| check(bundle).plan.unwrap().revision.clone();
            assert_eq!(revision(&own), revision(&bundle), "{base}");
        }
        // What lies above stays above.
        let up = PARENT.replace("sub/c.yml", "../c.yml");
        let mut bundle = Bundle::single("/srv/flows/p.yml", up);
        bundle.files.insert("/srv/c.yml".to_owned(), CHILD.to_owned());
        let own = bundle.own();
        assert_eq!(
            (own.entry.as_str(), own.files.keys().collect::<Vec<_>>()),
            ("flows/p.yml", vec![&"c.yml".to_owned(), &"flows/p.yml".to_owned()])
        );
        assert!(check(&own).plan.is_some());
    }

    #[test]
    fn what_could_not_be_read_is_noted_still() {
        let own = Bundle::single("/a/p.yml", PARENT).own();
        assert_eq!(own.unread.keys().collect::<Vec<_>>(), ["sub/c.yml"]);
        let nothing = Bundle { entry: "/a/p.yml".to_owned(), ..Bundle::default() }.own();
        assert_eq!(nothing.unread.keys().collect::<Vec<_>>(), ["p.yml"]);
    }

    #[test]
    fn a_name_is_told_of_a_text_with_errors_too() {
        let said = |text: &str| Bundle::single("a.yml", text).says_it_is();
        assert_eq!(said("name: Greet\nsteps: 7").as_deref(), Some("Greet"));
        assert_eq!(said("steps: []"), None);
        assert_eq!(said("{"), None);
    }
}
