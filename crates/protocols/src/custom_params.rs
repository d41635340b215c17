//! Parameters that a device names itself and the vocabulary does not know, kept as one text `name=value;…`.

use crate::sanity::MAX_TEXT;
use domain::Inputs;

#[derive(Clone, Debug, Default)]
pub struct CustomParams(String);

impl CustomParams {
    /// What does not fit any more, or cannot be told apart from its neighbours, is left out.
    pub fn push(&mut self, name: &str, value: &str) {
        let fits = self.0.len() + name.len() + value.len() + 2 <= MAX_TEXT;
        let printable = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_control() || c == ';');
        if !fits || !printable(name) || !printable(value) || name.contains('=') {
            return;
        }
        if !self.0.is_empty() {
            self.0.push(';');
        }
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(value);
    }

    pub fn write(&self, inputs: &mut Inputs) {
        if !self.0.is_empty() {
            inputs.push(input!("custom_params"), &*self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_can_be_told_apart() {
        let mut custom = CustomParams::default();
        let long = "x".repeat(MAX_TEXT);
        for (name, value) in
            [("door", "open"), ("a=b", "1"), ("c", "1;2"), ("", "1"), ("d", ""), ("e", &long), ("f", "2")]
        {
            custom.push(name, value);
        }
        let mut inputs = Inputs::default();
        custom.write(&mut inputs);
        assert_eq!(
            inputs.iter().next().map(|(_, value)| value.to_string()).as_deref(),
            Some("door=open;f=2")
        );
    }
}
