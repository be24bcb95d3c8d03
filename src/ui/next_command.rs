//! Commands to type next, as they can be typed: they go on with the same state file and credentials, and in a rehearsal they
//! act on no real account.

use crate::text::quoted;

/// What is put into a string of JSON.
pub fn within_json(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    let inside = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// Commands of ours in a text, with the flags that each needs to go on where this one was.
pub fn completed(
    text: &str,
    (rehearsed, kept, own): (bool, Option<&str>, &[(&str, String)]),
    spell: fn(&str) -> String,
) -> String {
    const COMMANDS: [&str; 7] = ["run", "status", "plan", "doctor", "login", "undo", "answers"];
    let is_other = |behind: &str| behind.starts_with(|c: char| c.is_alphanumeric() || c == '-');
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, words)) = rest.split_once("idc-setup ") {
        done.push_str(before);
        done.push_str("idc-setup ");
        rest = words;
        let known = COMMANDS
            .into_iter()
            .find_map(|command| Some((command, words.strip_prefix(command)?)));
        let Some((command, behind)) = known.filter(|(_, behind)| !is_other(behind)) else {
            continue;
        };
        match command {
            // There is none of a rehearsal.
            "answers" if rehearsed => continue,
            "run" if rehearsed => done.push_str("rehearse"),
            _ if rehearsed => done.extend(["rehearse ", command]),
            _ => done.push_str(command),
        }
        if let Some(folder) = kept {
            done.extend([" --keep ", &spell(&quoted(folder))]);
        }
        let line = behind.split('\n').next().unwrap_or_default();
        let line = line.split("idc-setup ").next().unwrap_or_default();
        // Signing in takes nobody's credentials.
        let is_of_use = |flag: &str| command != "login" || flag != "--profile";
        let wanted = own.iter().filter(|(flag, _)| !line.contains(flag) && is_of_use(flag));
        for (flag, typed) in wanted {
            done.extend([" ", flag, "=", &spell(&quoted(typed))]);
        }
        rest = behind;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_to_type_next_is_a_rehearsed_one_in_a_rehearsal() {
        let rehearsed = |text| completed(text, (true, None, &[]), str::to_owned);
        assert_eq!(
            rehearsed("next: idc-setup run --only x"),
            "next: idc-setup rehearse --only x"
        );
        assert_eq!(
            completed(
                "idc-setup undo; idc-setup doctor",
                (true, Some("a b"), &[]),
                str::to_owned
            ),
            "idc-setup rehearse undo --keep 'a b'; idc-setup rehearse doctor --keep 'a b'"
        );
        assert_eq!(
            completed(
                "(idc-setup answers > idc.toml)",
                (true, Some("a b"), &[]),
                str::to_owned
            ),
            "(idc-setup answers > idc.toml)"
        );
        assert_eq!(
            rehearsed("idc-setup runs, idc-setup rehearse"),
            "idc-setup runs, idc-setup rehearse"
        );
    }

    #[test]
    fn a_command_to_type_next_goes_on_with_the_same_state_file_and_credentials() {
        let own = [("--state", "it's.json".to_owned()), ("--profile", "work".to_owned())];
        let with_own = |text| completed(text, (false, None, &own), str::to_owned);
        assert_eq!(
            with_own("where: idc-setup run --only x"),
            "where: idc-setup run --state='it'\\''s.json' --profile=work --only x"
        );
        assert_eq!(
            with_own("idc-setup run --state FILE\nidc-setup undo --profile NAME"),
            "idc-setup run --profile=work --state FILE\nidc-setup undo --state='it'\\''s.json' --profile NAME"
        );
        assert_eq!(
            with_own("idc-setup login, then: idc-setup run"),
            "idc-setup login --state='it'\\''s.json', then: idc-setup run --state='it'\\''s.json' --profile=work"
        );
        let own = [("--state", "a\"b".to_owned())];
        let json = completed("\"idc-setup run\"", (false, None, &own), within_json);
        assert_eq!(
            serde_json::from_str::<String>(&json).unwrap(),
            "idc-setup run --state='a\"b'"
        );
    }
}
