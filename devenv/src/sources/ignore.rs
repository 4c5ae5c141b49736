//! `.dockerignore`: patterns of paths, the last match wins. Pure.
//!
//! Docker's documentation, "Dockerfile reference › .dockerignore file": Go's `filepath.Match`, with `**` for any number of
//! directories, and `!` for exceptions; what a pattern says of a directory it says of everything below.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// The patterns of one file.
#[derive(Clone, Debug, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    /// An exception: what it matches is kept.
    keeps: bool,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    One(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `**`
    Everything,
    /// `**/`: nothing, or directories.
    Directories,
    /// `[a-z]`, `[^a-z]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Ignore {
    /// Reads a whole file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines();
        Self::of(lines.map(str::trim).filter(|line| !line.starts_with('#')))
    }

    /// Patterns as they are, e.g. from `develop.watch.ignore`.
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let pattern = |line: &str| {
            let (keeps, text) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            let text: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
            (!text.is_empty()).then(|| Pattern { keeps, tokens: tokens(&text.join("/")) })
        };
        Self { patterns: patterns.into_iter().filter_map(pattern).collect() }
    }

    /// Whether a path, relative and with `/` between its parts, is left out.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let parents: Vec<Vec<char>> =
            ends.filter_map(|end| path.get(..end)).map(|path| path.chars().collect()).collect();
        let mut excluded = false;
        for pattern in &self.patterns {
            if pattern.keeps == excluded && parents.iter().any(|path| matches(&pattern.tokens, path)) {
                excluded = !pattern.keeps;
            }
        }
        excluded
    }

    /// Whether something below a directory that is left out may be kept: only then must it be looked through.
    #[must_use]
    pub fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.keeps)
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let (token, length) = token(rest, first);
        rest = rest.get(length..).unwrap_or_default();
        tokens.push(token);
    }
    tokens
}

/// The first token of a text, and its length in bytes.
fn token(rest: &str, first: char) -> (Token, usize) {
    match first {
        _ if rest.starts_with("**/") => (Token::Directories, 3),
        _ if rest.starts_with("**") => (Token::Everything, 2),
        '*' => (Token::Star, 1),
        '?' => (Token::Any, 1),
        '[' => class(rest).unwrap_or((Token::One('['), 1)),
        '\\' => rest.chars().nth(1).map_or((Token::One('\\'), 1), |next| (Token::One(next), 1 + next.len_utf8())),
        other => (Token::One(other), other.len_utf8()),
    }
}

fn class(text: &str) -> Option<(Token, usize)> {
    let inside = text.get(1..text.find(']')?)?;
    let (negated, listed) = inside.strip_prefix('^').map_or((false, inside), |listed| (true, listed));
    let mut ranges = Vec::new();
    let mut chars = listed.chars().peekable();
    while let Some(from) = chars.next() {
        let to = chars.next_if_eq(&'-').and_then(|_| chars.next()).unwrap_or(from);
        ranges.push((from, to));
    }
    Some((Token::Class { negated, ranges }, inside.len() + 2))
}

/// All ways through the pattern at once: time grows with pattern times path, whatever the pattern.
fn matches(tokens: &[Token], path: &[char]) -> bool {
    // `reached[n]`: the first n tokens may have matched so far; `within[n]`: the nth is `**/` and amid a name.
    let mut reached = vec![false; tokens.len() + 1];
    let mut within = vec![false; tokens.len()];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    skip_empty(tokens, &mut reached);
    for next in path {
        let (mut then, mut inside) = (vec![false; tokens.len() + 1], vec![false; tokens.len()]);
        for (place, token) in tokens.iter().enumerate() {
            let at = |list: &[bool], place: usize| list.get(place).copied().unwrap_or_default();
            let (here, amid) = (at(&reached, place), at(&within, place));
            let (stays, goes_on) = match token {
                Token::One(wanted) => (false, here && wanted == next),
                Token::Any => (false, here && *next != '/'),
                Token::Class { negated, ranges } => {
                    let listed = ranges.iter().any(|(from, to)| from <= next && next <= to);
                    (false, here && *next != '/' && listed != *negated)
                }
                Token::Star => (here && *next != '/', false),
                Token::Everything => (here, false),
                Token::Directories => {
                    if let Some(inside) = inside.get_mut(place) {
                        *inside = here || amid;
                    }
                    (false, (here || amid) && *next == '/')
                }
            };
            let mut mark = |place: usize, yes: bool| {
                if let Some(place) = then.get_mut(place) {
                    *place |= yes;
                }
            };
            mark(place, stays);
            mark(place + 1, goes_on);
        }
        (reached, within) = (then, inside);
        skip_empty(tokens, &mut reached);
    }
    reached.last().copied().unwrap_or_default()
}

/// Tokens that match nothing as well.
fn skip_empty(tokens: &[Token], reached: &mut [bool]) {
    for (place, token) in tokens.iter().enumerate() {
        let empty = matches!(token, Token::Star | Token::Everything | Token::Directories);
        if empty
            && reached.get(place).copied().unwrap_or_default()
            && let Some(next) = reached.get_mut(place + 1)
        {
            *next = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept<'a>(text: &str, paths: &[&'a str]) -> Vec<&'a str> {
        let ignore = Ignore::parse(text);
        paths.iter().copied().filter(|path| !ignore.excludes(path)).collect()
    }

    #[test]
    fn patterns_mean_what_docker_says() {
        let paths = ["a", "a/b", "a/b/c.md", "README.md", "b/README.md", "temp1", "x/temp1/y"];
        assert_eq!(kept("*/b", &paths), ["a", "README.md", "b/README.md", "temp1", "x/temp1/y"]);
        assert_eq!(kept("*.md", &paths), ["a", "a/b", "a/b/c.md", "b/README.md", "temp1", "x/temp1/y"]);
        assert_eq!(kept("**/*.md", &paths), ["a", "a/b", "temp1", "x/temp1/y"]);
        assert_eq!(kept("/temp?/", &paths), ["a", "a/b", "a/b/c.md", "README.md", "b/README.md", "x/temp1/y"]);
        assert_eq!(kept("**/temp[0-9]", &paths), ["a", "a/b", "a/b/c.md", "README.md", "b/README.md"]);
        assert_eq!(kept("a/**", &paths), ["a", "README.md", "b/README.md", "temp1", "x/temp1/y"]);
        assert_eq!(kept("# a\n\n  b/ \n", &["a", "b", "b/c"]), ["a"]);
        assert_eq!(kept("[^a]", &["a", "b"]), ["a"]);
        assert_eq!(kept(r"\*", &["*", "b"]), ["b"]);
    }

    #[test]
    fn the_last_match_wins() {
        assert_eq!(
            kept("*.md\n!README*.md\nREADME-secret.md", &["a.md", "README.md", "README-secret.md"]),
            ["README.md"]
        );
        assert_eq!(kept("*\n!src\n", &["src/main.rs", "target/x"]), ["src/main.rs"]);
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_not() {
        let ignore = Ignore::parse(&"**/*a".repeat(40));
        assert!(!ignore.excludes(&format!("{}b", "a".repeat(2_000))));
    }
}
