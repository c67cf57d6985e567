//! Questions that are written out in a definition.

use serde_json::Value;

use super::{Decoder, Naming, Slot, Wants};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::keys;
use crate::limits;
use crate::questions::{ANSWER_TYPES, AnswerType, PRIORITIES, Priority, Question};
use crate::template::Template;
use crate::tree::{Node, Plain, Shape};

impl<'t> Decoder<'t, '_> {
    /// `questions`: as a value, and as far as they are known. They are not where an expression gives them.
    pub(super) fn questions(&self, node: Node<'t>, slot: Slot) -> (Option<Template>, Option<Vec<Question>>) {
        if node.shape() != Shape::List {
            if node.raw().is_some_and(|text| text.contains("${{")) {
                return (self.template(node, slot, Wants::List), None);
            }
            self.wrong_type(node, "`questions` is a list, or an expression that gives one");
            return (None, None);
        }
        if !self.few(node, "there are too many questions", node.items().len(), limits::QUESTIONS) {
            return (None, None);
        }
        let mut known: Vec<Question> = Vec::new();
        let mut written = Vec::new();
        let mut whole = true;
        for item in node.items() {
            let Some((value, question)) = self.question(item, slot) else {
                whole = false;
                continue;
            };
            if known.iter().any(|other| other.id == question.id) {
                let message = format!("two questions have the id `{}`", question.id);
                let at = item.get("id").unwrap_or(item);
                self.push(Diagnostic::at(codes::DOUBLED, at, message).help("answers are told apart by it"));
                whole = false;
            }
            written.push(value);
            known.push(question);
        }
        let template = Template::list(written);
        if whole { (Some(template), Some(known)) } else { (None, None) }
    }

    /// One question: as it is asked, and what its answer has to be. Texts that are computed are empty in the latter.
    fn question(&self, node: Node<'t>, slot: Slot) -> Option<(Template, Question)> {
        let fields = self.fields(node, "a question", &[keys::QUESTION])?;
        let id = fields.get("id").and_then(|n| self.name(n, "a question", Naming::Snake));
        let prose = |key: &str| {
            let node = fields.get(key)?;
            let text = self.text_template(node, &format!("`{key}`"), slot)?;
            self.fits(node, &format!("`{key}`"), &text, limits::QUESTION_BYTES).then_some(text)
        };
        let (text, why) = (prose("text"), prose("why_it_matters"));
        let word = |key: &str, words| fields.get(key).map(|n| self.word(n, &format!("`{key}`"), words));
        let priority = word("priority", PRIORITIES);
        let said = word("answer_type", ANSWER_TYPES);
        let required = fields.get("required").map(|n| self.boolean(n, "`required`"));
        let choices = fields.get("choices").map(|n| self.choices(n, slot));
        // What is said and cannot be read is reported; nothing more is said about what depends on it.
        let priority = priority.map_or(Some(Priority::Must), |word| Priority::of(word?))?;
        let usual = if choices.is_some() { AnswerType::Choice } else { AnswerType::Text };
        let answer_type = said.map_or(Some(usual), |word| AnswerType::of(word?))?;
        if answer_type.chooses() != choices.is_some() {
            self.unlike(node, answer_type);
            return None;
        }
        let choices = choices.map_or(Some(Vec::new()), |choices| choices)?;
        let required = required.unwrap_or_else(|| Some(priority == Priority::Must))?;
        let fixed = |template: &Template| match template {
            Template::Literal(Value::String(text)) => text.clone(),
            _ => String::new(),
        };
        let all_fixed = choices.iter().all(Template::is_literal);
        let mut question = Question {
            id: id.unwrap_or_default().to_owned(),
            text: text.as_ref().map(fixed).unwrap_or_default(),
            why_it_matters: why.as_ref().map(fixed),
            priority,
            answer_type,
            // Where one is computed any text may be chosen, as far as is known.
            choices: choices.iter().filter(|_| all_fixed).map(fixed).collect(),
            default: None,
            required,
        };
        let default = match fields.get("default") {
            Some(node) => Some(self.proposed(node, &mut question, all_fixed, slot)?),
            None => None,
        };
        let word = |words: &[&'static str], at: usize| Template::Literal(Value::from(words[at]));
        let mut keys = vec![("id", Template::Literal(Value::from(id?))), ("text", text?)];
        keys.extend(why.map(|why| ("why_it_matters", why)));
        keys.push(("priority", word(PRIORITIES, priority as usize)));
        keys.push(("answer_type", word(ANSWER_TYPES, answer_type as usize)));
        if answer_type.chooses() {
            keys.push(("choices", Template::list(choices)));
        }
        keys.extend(default.map(|default| ("default", default)));
        keys.push(("required", Template::Literal(Value::Bool(required))));
        let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Some((Template::map(keys), question))
    }

    /// That choices and what answers the question do not go together.
    fn unlike(&self, node: Node<'t>, answer_type: AnswerType) {
        match node.entry("choices") {
            Some(entry) => {
                let message = "nothing is chosen here: the answer is of another type";
                let help = "remove `choices`, or say `answer_type: choice` or `choices`";
                self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
            }
            None => {
                let many = if answer_type == AnswerType::Choices { "some of them" } else { "one of them" };
                let problem =
                    Diagnostic::at_start(codes::MISSING_KEY, node, "a question with choices needs `choices`");
                self.push(problem.help(format!("list them: `choices: [a, b]`; the answer is {many}")));
            }
        }
    }

    fn choices(&self, node: Node<'t>, slot: Slot) -> Option<Vec<Template>> {
        let items = self.list(node, "`choices` is a list of texts")?;
        if items.len() == 0 {
            self.problem(codes::EMPTY_VALUE, node, "there is nothing to choose from");
            return None;
        }
        if !self.few(node, "there are too many choices", items.len(), limits::CHOICES) {
            return None;
        }
        let mut seen = Vec::new();
        let choices: Vec<Option<Template>> = items
            .map(|item| {
                let choice = self.text_template(item, "a choice", slot)?;
                if choice.is_literal() && seen.contains(&choice) {
                    self.problem(codes::DOUBLED, item, "the choice is there twice");
                    return None;
                }
                seen.push(choice.clone());
                self.fits(item, "the choice", &choice, limits::QUESTION_BYTES).then_some(choice)
            })
            .collect();
        choices.into_iter().collect()
    }

    /// The answer that is proposed. Where it is a text it is what the author wrote.
    fn proposed(
        &self,
        node: Node<'t>,
        question: &mut Question,
        choices_fixed: bool,
        slot: Slot,
    ) -> Option<Template> {
        let text = |node: Node<'t>| match node.plain() {
            None | Some(Plain::Null) => node.to_json().ok(),
            Some(_) => node.raw().map(Value::from),
        };
        let computed = |node: Node<'t>| node.raw().is_some_and(|text| text.contains("${{"));
        if computed(node) || node.items().any(computed) {
            return self.template(node, slot, Wants::Any);
        }
        let value = match question.answer_type {
            AnswerType::Text | AnswerType::Choice | AnswerType::Date => text(node),
            AnswerType::Choices if node.shape() == Shape::List => {
                node.items().map(text).collect::<Option<Vec<_>>>().map(Value::Array)
            }
            _ => node.to_json().ok(),
        };
        let Some(value) = value else {
            self.problem(codes::NOT_JSON, node, "JSON has no such value");
            return None;
        };
        let open = question.answer_type.chooses() && !choices_fixed;
        if !open && !question.takes(&value) {
            let help = match question.answer_type {
                AnswerType::Text => "it is a text".to_owned(),
                AnswerType::Number => "it is a number".to_owned(),
                AnswerType::Boolean => "it is `true` or `false`".to_owned(),
                AnswerType::Choice => "it is one of the choices".to_owned(),
                AnswerType::Choices => "it is a list of some of the choices".to_owned(),
                AnswerType::Date => "it is a day such as `2026-11-21`".to_owned(),
            };
            let message = format!("the default does not answer `{}`", question.id);
            self.push(Diagnostic::at(codes::BAD_DEFAULT, node, message).help(help));
            return None;
        }
        question.default = Some(value.clone());
        Some(Template::Literal(value))
    }
}
