//! A line of text that the user edits in place, with the usual keys of a shell.

use console::measure_text_width;

use super::keys::{Edit, Press};

/// What stands before a field.
pub struct Label {
    /// The text on the line of the field.
    pub label: String,
    /// The rows above it that the question takes on a narrow screen.
    pub above: usize,
}

/// The text of a field, and where the cursor is in it.
#[derive(Debug, Default)]
pub struct Field {
    text: Vec<char>,
    cursor: usize,
}

impl Field {
    /// A field with this text, and the cursor at its end.
    pub fn new(text: &str) -> Self {
        let text: Vec<char> = text.chars().collect();
        Self {
            cursor: text.len(),
            text,
        }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Changes the text or moves the cursor, as a key does. The other keys do nothing here.
    pub fn press(&mut self, press: Press) {
        match press {
            Press::Char(letter) => {
                self.text.insert(self.cursor, letter);
                self.cursor += 1;
            }
            Press::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
            }
            Press::Edit(edit) => self.edit(edit),
            Press::Backspace | Press::Enter | Press::Escape | Press::Up | Press::Down => {}
        }
    }

    fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Left => self.cursor = self.cursor.saturating_sub(1),
            Edit::Right => self.cursor = (self.cursor + 1).min(self.text.len()),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = self.text.len(),
            Edit::Delete if self.cursor < self.text.len() => drop(self.text.remove(self.cursor)),
            Edit::Delete => {}
            Edit::DeleteWord => {
                let before = &self.text[..self.cursor];
                let spaces = before.iter().rev().take_while(|letter| letter.is_whitespace()).count();
                let word = before.iter().rev().skip(spaces);
                let letters = word.take_while(|letter| !letter.is_whitespace()).count();
                self.delete_before(spaces + letters);
            }
            Edit::DeleteToStart => self.delete_before(self.cursor),
            Edit::DeleteToEnd => self.text.truncate(self.cursor),
        }
    }

    fn delete_before(&mut self, count: usize) {
        self.text.drain(self.cursor - count..self.cursor);
        self.cursor -= count;
    }

    /// The part of the text that fits into this many columns, with the column of the cursor in it. A longer text is shown
    /// around the cursor.
    pub fn visible(&self, columns: usize) -> (String, usize) {
        let width = |letters: &[char]| measure_text_width(&letters.iter().collect::<String>());
        // The cursor needs a column of its own behind the text.
        let room = columns.saturating_sub(1).max(1);
        let mut start = 0;
        while width(&self.text[start..self.cursor]) > room {
            start += 1;
        }
        let mut end = self.text.len();
        while end > self.cursor && width(&self.text[start..end]) > room {
            end -= 1;
        }
        let shown = self.text[start..end].iter().collect();
        (shown, width(&self.text[start..self.cursor]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, presses: &[Press]) -> String {
        let mut field = Field::new(text);
        for press in presses {
            field.press(*press);
        }
        // Where the cursor is.
        field.press(Press::Char('|'));
        field.text()
    }

    #[test]
    fn the_keys_of_a_shell_edit_the_text() {
        use Edit::{Delete, DeleteToEnd, DeleteToStart, DeleteWord, End, Home, Left, Right};
        use Press::{Backspace, Char};
        let key = Press::Edit;
        for (presses, after) in [
            (&[][..], "ada lovelace|"),
            (&[Backspace], "ada lovelac|"),
            (&[key(Left), Char('x')], "ada lovelacx|e"),
            (&[key(Home), Char('x')], "x|ada lovelace"),
            (&[key(Home), key(Left), Backspace], "|ada lovelace"),
            (&[key(Home), key(Right), key(Delete)], "a|a lovelace"),
            (&[key(Home), key(End), key(Right), key(Delete)], "ada lovelace|"),
            (&[key(DeleteWord)], "ada |"),
            (&[key(DeleteWord), key(DeleteWord), key(DeleteWord)], "|"),
            (&[key(Left), key(Left), key(DeleteToStart)], "|ce"),
            (&[key(Home), key(Right), key(DeleteToEnd)], "a|"),
            (&[key(DeleteToStart), Char('é'), Char('東')], "é東|"),
        ] {
            assert_eq!(edited("ada lovelace", presses), after, "{presses:?}");
        }
    }

    #[test]
    fn a_long_text_is_shown_around_the_cursor() {
        let mut field = Field::new("abcdefghij");
        assert_eq!(field.visible(20), ("abcdefghij".to_owned(), 10));
        assert_eq!(field.visible(6), ("fghij".to_owned(), 5));
        field.press(Press::Edit(Edit::Home));
        assert_eq!(field.visible(6), ("abcde".to_owned(), 0));
        // Wide letters take two columns.
        assert_eq!(Field::new("東京都").visible(5), ("京都".to_owned(), 4));
    }
}
