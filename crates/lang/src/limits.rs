//! The bounds of the language: what a definition and its expressions may be at most.
//!
//! Each has a test that goes past it, next to the code that holds it.

/// Length of the source of one expression, in bytes.
pub const EXPR_BYTES: usize = 4 * 1024;
/// Nesting of brackets and choices (`? :`) in one expression.
pub const EXPR_NESTING: usize = 32;
/// Height of the tree of one expression: nesting, with the operators and members that follow each other
/// in one chain. It keeps parsing and evaluation within a small stack.
pub const EXPR_HEIGHT: usize = 160;
/// Nesting of `map`, `filter`, `all`, `exists`, `exists_one`, `optMap` and `optFlatMap`.
pub const COMPREHENSION_NESTING: usize = 3;
/// Work of one evaluation. A node or an element costs 1, text costs by its length.
pub const EVAL_FUEL: u64 = 1_000_000;
/// Elements of a list or map that an expression makes.
pub const MADE_ITEMS: usize = 100_000;
/// Bytes of a text that an expression makes, and of a text that a template renders.
pub const MADE_BYTES: usize = 4 * 1024 * 1024;
/// Work of writing out, as JSON, a value that an expression put together: an element costs 1, text costs by its
/// length. A value that is handed on as it was is not bounded by it.
pub const RENDERED_WORK: u64 = 4_000_000;
/// How deep a value may be that an expression or a template gives. Readers of JSON stop at 128, and what keeps
/// the value puts something around it.
pub const VALUE_DEPTH: usize = 100;
/// Length of a regular expression, in bytes.
pub const REGEX_BYTES: usize = 1024;
/// Memory that a compiled regular expression may take, in bytes.
pub const REGEX_SIZE: usize = 256 * 1024;
/// The longest length of time that a definition may name: a hundred years, in milliseconds.
pub const DURATION_MILLIS: u64 = 36_525 * 24 * 60 * 60 * 1000;

/// Length of the text of a definition or of a file that it names, in bytes.
pub const DOCUMENT_BYTES: usize = 1024 * 1024;
/// Values of one document, aliases expanded.
pub const DOCUMENT_NODES: usize = 250_000;
/// Lists and maps of one document standing in each other.
pub const DOCUMENT_DEPTH: usize = 96;
/// Length of a key, in bytes.
pub const KEY_BYTES: usize = 512;
/// Aliases of one document.
pub const DOCUMENT_ALIASES: usize = 1_000;
/// Files of one definition: its own text, children by path, schemas, and theirs.
pub const BUNDLE_FILES: usize = 256;
/// Length of all of them together, in bytes.
pub const BUNDLE_BYTES: usize = 8 * 1024 * 1024;
/// Length of a file with a JSON Schema, in bytes.
pub const SCHEMA_BYTES: usize = 64 * 1024;
/// Child runs in child runs.
pub const CHILD_DEPTH: usize = 10;
/// Steps of one document, those of its groups included.
pub const STEPS: usize = 10_000;
/// Groups in groups.
pub const GROUP_DEPTH: usize = 16;
/// Length of the name of a workflow, of an id, and of the names of inputs, variables and outputs.
pub const NAME_BYTES: usize = 50;
/// Length of a name for people, in characters.
pub const TITLE_CHARS: usize = 200;
/// Length of a description, in characters.
pub const DESCRIPTION_CHARS: usize = 10_000;
/// Inputs of one workflow; its variables, secrets, outputs and entries of one `env` likewise.
pub const NAMES: usize = 500;
/// Length of the name of a signal, in bytes.
pub const SIGNAL_NAME_BYTES: usize = 200;
/// Inputs of one workflow by which its runs are found.
pub const INDEXED_INPUTS: usize = 8;
/// Length of the value of such an input, as text, in bytes.
pub const INDEXED_BYTES: usize = 200;
/// Arguments of one program.
pub const ARGUMENTS: usize = 1_000;
/// Length of a script, in bytes.
pub const SCRIPT_BYTES: usize = 64 * 1024;
/// Iterations of one loop.
pub const ITERATIONS: u32 = 100_000;
/// Items of a foreach at once.
pub const PARALLEL: u32 = 1_000;
/// Visits of one state: its machine fails behind them. A transition counts at most as many.
pub const VISITS: u32 = 100;
/// Parts of a join that may be asked for.
pub const JOIN: u32 = 100_000;
/// Attempts of one budget.
pub const BUDGET: u32 = 1_000_000;
/// Tries of one step instance.
pub const ATTEMPTS: u32 = 1_000;
/// Places for one key: runs or steps at once.
pub const PLACES: u32 = 10_000;
/// Length of the key of `concurrency`, in bytes.
pub const PLACE_KEY_BYTES: usize = 256;
/// Entries of `by`, of `not` and of `escalate.to`.
pub const WHO: usize = 50;
/// Length of the name of a user, a group, a role or an agent, in bytes.
pub const WHO_BYTES: usize = 100;
/// What people are shown at once.
pub const SHOWN: usize = 100;
/// Length of what people are asked in a line, in bytes.
pub const ASKED_BYTES: usize = 1024;
/// How many may be asked to accept, or to reject.
pub const QUORUM: u32 = 1_000;
/// How often a rejection may begin steps again.
pub const REDOS: u32 = 100;
/// The shortest time between two reminders, in milliseconds.
pub const REMIND_MILLIS: u64 = 1_000;
/// Questions of one step.
pub const QUESTIONS: usize = 100;
/// Length of a text of a question, or of one of its choices, in bytes.
pub const QUESTION_BYTES: usize = 4 * 1024;
/// Choices of one question.
pub const CHOICES: usize = 200;
/// Findings of one check. What is beyond is counted.
pub const DIAGNOSTICS: usize = 1_000;
/// Names that are looked through for the nearest to wrong ones, in all: behind so many a finding has no such help.
pub const NEAREST_WORK: usize = 100_000;
/// Length of the message of a finding, in characters.
pub const MESSAGE_CHARS: usize = 1_000;
/// Constructs of one import that are reported. What is beyond is counted.
pub const IMPORT_ENTRIES: usize = 10_000;
/// Nodes of one graph that is imported: of a stage's profile, of a workflow of annotation or of documents.
pub const IMPORT_GRAPH: usize = 200;
/// Stages of one workflow that is imported: each prompt hands on what all of them gave.
pub const IMPORT_STAGES: usize = 20;
/// Nodes of one graph that is imported: which of them has surely run is found for each pair.
pub const IMPORT_NODES: usize = 1_000;
/// Workflows that are taken into the one that calls them.
pub const IMPORT_CHILDREN: usize = 100;
/// Parts of one reference that is imported, and references in indices of others.
pub const IMPORT_PATH: usize = 32;
/// Findings about one text in Markdown.
pub const IMPORT_PROBLEMS: usize = 100;
/// Values of one input that are taken into a definition from a range or a table.
pub const IMPORT_VALUES: usize = 10_000;
/// What was changed, said in comments of one definition that was made.
pub const IMPORT_NOTES: usize = 1_000;
/// Things that are told of one form that does not fit.
pub const FORM_PROBLEMS: usize = 20;
/// Longest rule of times, in bytes.
pub const CRON_BYTES: usize = 1_000;
/// What may start runs of one workflow.
pub const TRIGGERS: usize = 20;
/// Longest time by which the runs of a schedule are spread, in milliseconds: a day.
pub const JITTER_MILLIS: u64 = 86_400_000;
