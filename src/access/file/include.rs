//! Reads the first file and the files that it includes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::format::Format;
use super::reach::{Reach, has_wildcard, read_limited};
use super::source::Source;
use super::tree::{Node, Value, repeated_keys};
use crate::access::mistake::Mistake;
use crate::limits::{DEEPEST_INCLUDE, LARGEST_ACCESS_FILES_MB, MOST_ACCESS_FILES};

/// A file that was read.
#[derive(Debug)]
pub struct File {
    /// Its text.
    pub source: Source,
    /// Its format.
    pub format: Format,
    /// What it contains.
    pub root: Node,
}

/// The files of an access file.
#[derive(Debug)]
pub struct Loaded {
    /// The first file and those that it includes, in the order of reading. A file with syntax errors is left out.
    pub files: Vec<File>,
    /// Their paths, also of those with syntax errors.
    pub paths: Vec<PathBuf>,
    /// Which files can be named.
    pub reach: Reach,
    /// The mistakes that were found.
    pub mistakes: Vec<Mistake>,
}

/// Reads a file and the files that it includes.
pub fn load(first: &Path) -> Loaded {
    let mut loader = Loader::new(first);
    match read_limited(first) {
        Ok(content) => {
            loader.being_read.extend(loader.loaded.reach.identity(first));
            loader.add(first, &content);
        }
        Err(message) => {
            let suggestion = "Give the path of an access file that you can read.";
            let mistake = Source::new(first, "").mistake(0, message, suggestion);
            loader.loaded.mistakes.push(mistake);
        }
    }
    loader.loaded
}

/// [`load`], for a first file with this content, which need not exist.
pub fn load_text(first: &Path, content: &str) -> Loaded {
    let mut loader = Loader::new(first);
    loader.add(first, content);
    loader.loaded
}

/// Why a file is not included, and what to do about it.
struct Refused {
    message: String,
    suggestion: &'static str,
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self {
            message,
            suggestion: "Name files in the folder of the first file, relative to this file.",
        }
    }
}

struct Loader {
    loaded: Loaded,
    /// The files that were read, or are being read.
    seen: BTreeSet<PathBuf>,
    /// The first file, a file that it includes, and so on.
    being_read: Vec<PathBuf>,
    size: usize,
}

impl Loader {
    fn new(first: &Path) -> Self {
        let reach = Reach::of(first);
        Self {
            seen: reach.identity(first).into_iter().collect(),
            loaded: Loaded {
                files: Vec::new(),
                paths: Vec::new(),
                reach,
                mistakes: Vec::new(),
            },
            being_read: Vec::new(),
            size: 0,
        }
    }

    /// Reads the content of a file, and then the files that it includes.
    fn add(&mut self, path: &Path, content: &str) {
        let source = Source::new(path, content);
        self.loaded.paths.push(path.to_owned());
        self.size += content.len();
        let Some(format) = Format::of(path) else {
            let suggestion = "Give it a name that ends with .toml, .yaml, .yml or .json.";
            let mistake = source.mistake(0, "The format of the file is unknown.", suggestion);
            self.loaded.mistakes.push(mistake);
            return;
        };
        let root = match format.parse(&source) {
            Ok(root) => root,
            Err(mistakes) => {
                self.loaded.mistakes.extend(mistakes);
                return;
            }
        };
        // The syntax is valid, so that the other mistakes can be found too.
        self.loaded.mistakes.extend(repeated_keys(&source, &root));
        if !matches!(root.value, Value::Table(_)) {
            let message = format!("The file must contain a table, not {}.", root.kind());
            let suggestion = "Begin with format, name and other keys.";
            let mistake = source.mistake(root.span.start, message, suggestion);
            self.loaded.mistakes.push(mistake);
            return;
        }
        let includes: Vec<Node> = root.get("include").map(Node::items).unwrap_or_default().to_vec();
        self.loaded.files.push(File {
            source: source.clone(),
            format,
            root,
        });
        for include in &includes {
            if let Some(pattern) = include.text() {
                self.include(&source, include, pattern);
            }
        }
    }

    fn include(&mut self, source: &Source, node: &Node, pattern: &str) {
        let found = match self.loaded.reach.files_of_pattern(&source.path, pattern) {
            Ok(found) => found,
            Err(message) => {
                self.refuse(source, node, Refused::from(message));
                return;
            }
        };
        let mut others = 0;
        for path in found {
            match self.include_file(&path, has_wildcard(pattern)) {
                Ok(is_other) => others += usize::from(is_other),
                Err(refused) => {
                    self.refuse(source, node, refused);
                    return;
                }
            }
        }
        if others == 0 {
            let message = format!("{pattern:?} matches no other file.");
            self.refuse(source, node, Refused::from(message));
        }
    }

    fn refuse(&mut self, source: &Source, node: &Node, refused: Refused) {
        let mistake = source.mistake(node.span.start, refused.message, refused.suggestion);
        self.loaded.mistakes.push(mistake);
    }

    /// Reads a file, unless it was read before. Returns whether it is another file than those that include it.
    fn include_file(&mut self, path: &Path, is_of_pattern: bool) -> Result<bool, Refused> {
        let identity = self.loaded.reach.identity(path)?;
        if self.being_read.contains(&identity) {
            if is_of_pattern {
                return Ok(false);
            }
            return Err(Refused {
                message: format!("{} includes itself, directly or through other files.", path.display()),
                suggestion: "Remove one of these includes.",
            });
        }
        if !self.seen.insert(identity.clone()) {
            return Ok(true);
        }
        if self.being_read.len() > DEEPEST_INCLUDE {
            return Err(Refused {
                message: format!("Files include each other more than {DEEPEST_INCLUDE} deep."),
                suggestion: "Include this file from the first file.",
            });
        }
        if self.loaded.paths.len() > MOST_ACCESS_FILES {
            return Err(Refused {
                message: format!("More than {MOST_ACCESS_FILES} files are included."),
                suggestion: "Put several files into one, or split the access file into several with names of their own.",
            });
        }
        let content = self.loaded.reach.read(path)?;
        if self.size + content.len() > LARGEST_ACCESS_FILES_MB << 20 {
            return Err(Refused {
                message: format!("The files together are larger than {LARGEST_ACCESS_FILES_MB} MB."),
                suggestion: "Split the access file into several with names of their own.",
            });
        }
        self.being_read.push(identity);
        self.add(path, &content);
        self.being_read.pop();
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LARGEST_ACCESS_FILE_MB;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn messages(folder: &tempfile::TempDir) -> Vec<String> {
        let loaded = load(&folder.path().join("access.toml"));
        loaded.mistakes.into_iter().map(|mistake| mistake.message).collect()
    }

    #[test]
    fn each_file_is_read_once_and_in_order() {
        let folder = folder(&[
            (
                "access.toml",
                "include = [\"teams/*.toml\", \"teams/a.toml\", \"*.toml\"]\n",
            ),
            ("teams/b.toml", ""),
            ("teams/a.toml", "include = [\"../shared.yaml\"]\n"),
            ("shared.yaml", ""),
            ("z.toml", "include = [\"teams/b.toml\"]\n"),
        ]);
        let loaded = load(&folder.path().join("access.toml"));
        assert_eq!(loaded.mistakes, []);
        let paths: Vec<_> = loaded
            .paths
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap())
            .collect();
        let expected = [
            "access.toml",
            "teams/a.toml",
            "teams/../shared.yaml",
            "teams/b.toml",
            "z.toml",
        ];
        assert_eq!(paths, expected.map(Path::new));
    }

    #[test]
    fn files_that_include_each_other_are_a_mistake() {
        let folder = folder(&[
            ("access.toml", "include = [\"a.toml\"]\n"),
            ("a.toml", "include = [\"b.toml\"]\n"),
            ("b.toml", "include = [\"a.toml\"]\n"),
        ]);
        let messages = messages(&folder);
        assert_eq!(messages.len(), 1);
        assert!(messages[0].contains("includes itself"), "{messages:?}");
    }

    #[test]
    fn includes_are_limited_in_depth_number_and_size() {
        let mut files: Vec<(String, String)> = (0..12)
            .map(|n| (format!("{n}.toml"), format!("include = [\"{}.toml\"]\n", n + 1)))
            .collect();
        files.push(("access.toml".to_owned(), "include = [\"0.toml\"]\n".to_owned()));
        let named: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&name[..], &text[..])).collect();
        assert!(messages(&folder(&named))[0].contains("8 deep"));

        let mut files: Vec<(String, String)> = (0..=MOST_ACCESS_FILES)
            .map(|n| (format!("teams/{n}.toml"), String::new()))
            .collect();
        files.push(("access.toml".to_owned(), "include = [\"teams/*\"]\n".to_owned()));
        let named: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&name[..], &text[..])).collect();
        assert!(messages(&folder(&named))[0].contains("more than 500"));

        let large = "#".repeat((4 << 20) + 1);
        let folder = folder(&[("access.toml", "include = [\"a.toml\"]\n"), ("a.toml", &large)]);
        assert!(messages(&folder)[0].contains("larger than 4 MB"));
    }

    #[test]
    fn files_of_several_patterns_are_counted_together() {
        let names = (0..MOST_ACCESS_FILES).map(|n| format!("{}/{n}.toml", n % 2));
        let names: Vec<String> = names.collect();
        let mut files: Vec<(&str, &str)> = names.iter().map(|name| (&name[..], "")).collect();
        files.push(("access.toml", "include = [\"0/*\", \"1/*\"]\n"));
        let folder = folder(&files);
        assert_eq!(messages(&folder), [""; 0]);
        std::fs::write(folder.path().join("1/one-more.toml"), "").unwrap();
        assert_eq!(messages(&folder), ["More than 500 files are included."]);
    }

    #[test]
    fn the_sizes_of_files_are_added_up() {
        let first = "include = [\"?.toml\"]\n";
        let large = "#".repeat(LARGEST_ACCESS_FILE_MB << 20);
        let count = LARGEST_ACCESS_FILES_MB / LARGEST_ACCESS_FILE_MB;
        let names: Vec<String> = (0..count).map(|n| format!("{n}.toml")).collect();
        let mut files: Vec<(&str, &str)> = names.iter().map(|name| (&name[..], &large[..])).collect();
        files.push(("access.toml", first));
        let folder = folder(&files);
        assert_eq!(messages(&folder), ["The files together are larger than 32 MB."]);
        let rest = &large[first.len()..];
        std::fs::write(folder.path().join("0.toml"), rest).unwrap();
        assert_eq!(messages(&folder), [""; 0]);
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_a_mistake_at_its_place() {
        let folder = folder(&[("access.toml", "name = \"x\"\ninclude = [\"teams/*.toml\"]\n")]);
        let loaded = load(&folder.path().join("access.toml"));
        assert_eq!(loaded.mistakes.len(), 1);
        assert_eq!(
            (loaded.mistakes[0].place.line, loaded.mistakes[0].place.column),
            (2, 12)
        );
    }
}
