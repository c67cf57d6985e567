//! The form of a tree that its hash is taken of.

use super::{Node, Plain, Shape};

impl Node<'_> {
    /// Writes it in the form that two texts share when they differ in comments, layout and notation only.
    ///
    /// That is JSON, with one difference: a scalar without marks that is no text stays as it was written,
    /// since `1.10` and `1.1` are the same number but not the same text. The order of keys is kept: the order
    /// of `vars` and `outputs` means something.
    pub fn write_canonical(self, out: &mut String) {
        match self.shape() {
            Shape::Nothing => out.push_str("null"),
            Shape::Scalar => match self.plain() {
                Some(Plain::Null) => out.push_str("null"),
                Some(Plain::Bool(true)) => out.push_str("true"),
                Some(Plain::Bool(false)) => out.push_str("false"),
                Some(Plain::Number(_) | Plain::NotJson) => out.push_str(self.raw().unwrap_or_default()),
                Some(Plain::Text) | None => write_text(self.raw().unwrap_or_default(), out),
            },
            Shape::List => {
                out.push('[');
                for (at, item) in self.items().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write_canonical(out);
                }
                out.push(']');
            }
            Shape::Map => {
                out.push('{');
                for (at, entry) in self.entries().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_text(entry.key, out);
                    out.push(':');
                    entry.value.write_canonical(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
