//! Definitions from the library, from files or given at once: gathered, checked, written out.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stead_engine::batch::Which;
use stead_engine::error::EngineError;
use stead_engine::library::{LibraryAnswer, LibraryError, LibraryOperation};
use stead_engine::operations::{Answer, Operation};
use stead_lang::bundle::{Bundle, Called, Missing, Source};
use stead_lang::diagnostic::{RenderOptions, nearest, render};
use stead_lang::plan::{Plan, definition_of};
use stead_lang::tree::{ReadProblem, text_of};
use stead_lang::{Checked, check, gather, limits, link, names};
use stead_store::StoreError;
use stead_store::library::{Refusal, Revision, Workflow};

use crate::error::{CliError, Kind, codes};
use crate::face::Face;
use crate::here::{Here, unexpected};

/// A definition that was found, and what the check says of it.
pub struct Examined {
    /// Where it is from.
    pub origin: Origin,
    /// Its text, those of the files it names and of the workflows it calls.
    pub bundle: Bundle,
    /// The findings, and the plan.
    pub checked: Checked,
}

/// A definition that can be run.
pub struct Ready {
    /// Where it is from.
    pub origin: Origin,
    /// Its text, those of the files it names and of the workflows it calls.
    pub bundle: Bundle,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Warnings, written out; empty without any.
    pub warnings: String,
}

/// Where a definition is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A revision of the library.
    Saved {
        /// The workflow.
        name: String,
        /// The revision.
        number: u32,
        /// It is not to be run.
        draft: bool,
        /// A file of the project that has the name as well, and another text.
        beside: Option<String>,
    },
    /// A file.
    File(String),
    /// It was given itself: on the command line, or on standard input.
    Inline,
}

/// What a definition is called that has no file.
const INLINE: &str = "(inline)";

/// The definition that is meant: the text itself, a workflow by its name, or a file. Paths are relative to the working
/// folder.
///
/// # Errors
/// When there is none of that name, or the store cannot be read.
pub fn examine(here: &Here, word: &str) -> Result<Examined, CliError> {
    if let Some(text) = inline(word)? {
        let mut source = Project { here, made: Some((INLINE.to_owned(), text)) };
        let bundle = gather(INLINE, &mut source);
        return Ok(Examined { origin: Origin::Inline, checked: check(&bundle), bundle });
    }
    let mut source = Project { here, made: None };
    let file = match names::reference(word) {
        Err(_) => word.to_owned(),
        Ok((name, number)) => match source.saved(name, number)? {
            Ok((workflow, revision, bundle)) => {
                let (name, number, draft) = (workflow.name, revision.number, revision.draft);
                let beside = source.beside(&name, &bundle);
                let bundle = Bundle { called: Some(name.clone()), ..bundle };
                let bundle = link(bundle, &mut source);
                let origin = Origin::Saved { name, number, draft, beside };
                return Ok(Examined { origin, checked: check(&bundle), bundle });
            }
            Err(refusal) => match number.is_none().then(|| source.file_of(name)).flatten() {
                Some(file) => file,
                None if Path::new(word).is_file() => word.to_owned(),
                None => return Err(none(refusal, word)),
            },
        },
    };
    let bundle = gather(&file, &mut source);
    Ok(Examined { origin: Origin::File(file), checked: check(&bundle), bundle })
}

/// How a definition stands to the library.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Standing {
    /// The workflow that has its name.
    pub name: String,
    /// The revision that it is, or else the newest, which is another one.
    pub number: u32,
    /// Whether it is that revision.
    pub same: bool,
    /// Of a workflow of the library: a file of the project that has the name as well, and another text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
}

impl Standing {
    /// In a few words.
    pub fn told(&self) -> String {
        let Self { name, number, .. } = self;
        match (&self.beside, self.same) {
            (Some(beside), _) => {
                format!("{name}@{number} of the library, which goes before {beside}: that is another text")
            }
            (None, true) => format!("{name}@{number} of the library"),
            (None, false) => format!("not {name}@{number} of the library, which `stead run {name}` takes"),
        }
    }
}

/// How a definition stands to the library; `None` where its name is not in it.
///
/// # Errors
/// When the store cannot be read.
pub fn standing(here: &Here, origin: &Origin, plan: Option<&Plan>) -> Result<Option<Standing>, CliError> {
    if let Origin::Saved { name, number, beside, .. } = origin {
        let (name, number, beside) = (name.clone(), *number, beside.clone());
        return Ok(Some(Standing { name, number, same: true, beside }));
    }
    let Some(plan) = plan else { return Ok(None) };
    let found = Project { here, made: None }.saved(&plan.name, None)?;
    Ok(found.ok().map(|(workflow, revision, _)| {
        let same = revision.revision == definition_of(&plan.revision);
        Standing { name: workflow.name, number: revision.number, same, beside: None }
    }))
}

/// The definition in a file, whatever the library has.
pub fn of_file(here: &Here, file: &str) -> (Bundle, Checked) {
    let bundle = gather(file, &mut Project { here, made: None });
    let checked = check(&bundle);
    (bundle, checked)
}

/// A definition that can be run.
///
/// # Errors
/// With all findings, when it has errors. As [`examine`] besides.
pub fn ready(here: &Here, word: &str) -> Result<Ready, CliError> {
    let Examined { origin, bundle, checked } = examine(here, word)?;
    if let Origin::Saved { name, number, draft: true, .. } = origin {
        return Err(EngineError::from(LibraryError::Draft { name, number }).into());
    }
    let mut text = written_out(&checked, here.err);
    if let Origin::Saved { name, number, beside: Some(beside), .. } = &origin {
        let _ = writeln!(text, "{name} is {name}@{number} of the library; {beside} is another text");
    }
    match checked.plan {
        Some(plan) => Ok(Ready { origin, bundle, plan, warnings: text }),
        None => {
            let what = if origin == Origin::Inline { "the definition" } else { word };
            let error = CliError::usage(codes::DEFINITION, format!("{what} cannot be run"));
            Err(error.findings(text, checked.diagnostics))
        }
    }
}

/// A definition that calls one that can be run, made from how that is to be called. It stands beside the file of the
/// other, which it names by a path.
///
/// # Errors
/// When it does not check: the one it calls does, so that is a bug.
pub fn calling(
    here: &Here,
    ready: &Ready,
    text: impl FnOnce(&Which) -> String,
) -> Result<(Bundle, Arc<Plan>), CliError> {
    let (entry, which) = match &ready.origin {
        Origin::Saved { name, number, .. } => (INLINE.to_owned(), Which::Name(format!("{name}@{number}"))),
        Origin::File(file) => {
            let path = Path::new(file);
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let entry = path.with_file_name(INLINE).display().to_string();
            (entry, Which::Path(name))
        }
        Origin::Inline => {
            let text = ready.bundle.files.get(&ready.bundle.entry).map_or("", String::as_str);
            let document = stead_lang::tree::read(INLINE, text, &mut Vec::new());
            let document = document.and_then(|document| document.root().to_json().ok());
            (INLINE.to_owned(), Which::Inline(document.unwrap_or_default()))
        }
    };
    let mut source = Project { here, made: Some((entry.clone(), text(&which))) };
    let bundle = gather(&entry, &mut source);
    let checked = check(&bundle);
    match checked.plan {
        Some(plan) => Ok((bundle, plan)),
        None => {
            let text = written_out(&checked, here.err);
            let error = CliError::usage(codes::DEFINITION, "it cannot be run in a batch");
            Err(error.findings(text, checked.diagnostics))
        }
    }
}

/// The findings of a check, for people.
pub fn written_out(checked: &Checked, face: Face) -> String {
    let options = RenderOptions { color: face.color, ..RenderOptions::default() };
    render(&checked.diagnostics, &checked.sources, options)
}

/// A definition that was given itself.
fn inline(word: &str) -> Result<Option<String>, CliError> {
    if word.contains('\n') || word.starts_with('{') {
        return Ok(Some(word.to_owned()));
    }
    if word != "-" {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let most = limits::DOCUMENT_BYTES as u64 + 1;
    std::io::stdin()
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::usage(codes::FILE, format!("standard input cannot be read: {error}")))?;
    // Past the bound it is refused by its length, which may be within a character.
    let text = text_of(bytes).map_err(|why| {
        CliError::usage(codes::FILE, format!("what is on standard input is no definition: {why}"))
    })?;
    Ok(Some(text))
}

/// Nothing has this name.
fn none(refusal: Refusal, word: &str) -> CliError {
    // Whatever stands against it in the library: nothing was started.
    let error = CliError { kind: Kind::Usage, ..CliError::from(EngineError::Store(refusal.into())) };
    let error = error.detail(format!("and there is no file `{word}`"));
    error.hint("a file is named by its path, such as ./greet.yml")
}

/// Files and names as they are found from the working folder.
struct Project<'h> {
    here: &'h Here,
    /// The text of a definition that has no file, and the path that stands for one.
    made: Option<(String, String)>,
}

impl Project<'_> {
    /// A revision of a workflow that is there and not deleted, or why there is none.
    fn saved(
        &self,
        name: &str,
        number: Option<u32>,
    ) -> Result<Result<(Workflow, Revision, Bundle), Refusal>, CliError> {
        let operation = LibraryOperation::Load { name: name.to_owned(), number };
        match self.here.ask_home(Operation::Library(operation)) {
            Ok(Answer::Library(answer)) => match *answer {
                LibraryAnswer::Loaded { workflow, revision, bundle } => Ok(match &workflow.deleted_at {
                    None => Ok((workflow, revision, bundle)),
                    Some(at) => {
                        let by = workflow.deleted_by.unwrap_or_default();
                        Err(Refusal::Deleted { name: workflow.name, at: *at, by })
                    }
                }),
                other => Err(unexpected(&Answer::Library(Box::new(other)))),
            },
            Ok(other) => Err(unexpected(&other)),
            Err(EngineError::Store(StoreError::Library(refusal))) => Ok(Err(refusal)),
            Err(error) => Err(self.here.explained(error)),
        }
    }

    /// The folder whose files count as named, from the working folder.
    fn folder(&self) -> PathBuf {
        let project = self.here.project();
        let below = self.here.folder.strip_prefix(&project).map_or(0, |below| below.components().count());
        let mut folder: PathBuf = std::iter::repeat_n("..", below).collect();
        folder.push("workflows");
        folder
    }

    /// The file of the project that has a name.
    fn file_of(&self, name: &str) -> Option<String> {
        let folder = self.folder();
        let found = ["yml", "yaml", "json"].into_iter().map(|end| folder.join(format!("{name}.{end}")));
        let found = found.into_iter().find(|path| path.is_file())?;
        Some(found.display().to_string())
    }

    /// That file, where the library has the name and another text.
    fn beside(&self, name: &str, saved: &Bundle) -> Option<String> {
        let file = self.file_of(name)?;
        let text = read(Path::new(&file)).ok();
        (text.as_ref() != saved.files.get(&saved.entry)).then_some(file)
    }

    /// The name of a file of the project that is most like this one.
    fn nearest(&self, name: &str) -> Option<String> {
        let files = std::fs::read_dir(self.folder()).ok()?;
        let stems: Vec<String> = files
            .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned()))
            .take(limits::NEAREST_WORK)
            .collect();
        nearest(name, stems.iter().map(String::as_str))
    }
}

impl Source for Project<'_> {
    fn read(&mut self, path: &str) -> Result<String, ReadProblem> {
        match &self.made {
            Some((made, text)) if made == path => Ok(text.clone()),
            _ => read(Path::new(path)),
        }
    }

    fn named(&mut self, name: &str, number: Option<u32>) -> Result<Called, Missing> {
        let asked = number;
        let saved = self.saved(name, number).map_err(|error| Missing::Unreadable(error.message))?;
        let refusal = match saved {
            Ok((_, Revision { draft: true, number, .. }, _)) => return Err(Missing::Draft { number }),
            Ok((workflow, revision, bundle)) => {
                let (name, number) = (workflow.name, revision.number);
                // A number says that the library is meant.
                let said = asked.is_some();
                let beside = if said { None } else { self.beside(&name, &bundle) };
                return Ok(Called::Saved { name, number, bundle, beside });
            }
            Err(refusal) => refusal,
        };
        if number.is_none()
            && let Some(file) = self.file_of(name)
        {
            return Ok(Called::File(file));
        }
        Err(match refusal {
            Refusal::NoRevision { newest, .. } => Missing::NoRevision { newest },
            Refusal::Deleted { by, .. } => Missing::Deleted { by },
            Refusal::Unknown { near, .. } => Missing::Unknown { near: near.or_else(|| self.nearest(name)) },
            other => Missing::Unreadable(other.to_string()),
        })
    }
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, ReadProblem> {
    let other = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => ReadProblem::NotFound,
        _ => ReadProblem::Other(error.to_string()),
    };
    let known = std::fs::metadata(path).map_err(other)?;
    if known.is_dir() {
        return Err(ReadProblem::Other("it is a folder".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(other)?;
    let most = limits::DOCUMENT_BYTES;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, most as u64 + 1), &mut bytes).map_err(other)?;
    if bytes.len() > most {
        // Refused by its length whatever it holds, and not read to its end, which may be within a character.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    text_of(bytes)
}
