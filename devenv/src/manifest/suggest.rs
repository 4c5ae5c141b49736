//! "Did you mean": the nearest known word by edit distance.

/// Longer words are not compared: nobody mistypes them, and the distance is quadratic.
const LONGEST: usize = 64;

/// More candidates are not looked at: a hostile file has thousands.
const MOST: usize = 1_000;

/// The candidate that `word` most likely was meant to be, if one is near enough.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    if folded.is_empty() || folded.len() > LONGEST {
        return None;
    }
    let allowed = (folded.len() / 3).max(1);
    candidates
        .into_iter()
        .take(MOST)
        .filter(|candidate| *candidate != word && candidate.len() <= LONGEST)
        .filter(|candidate| candidate.chars().count().abs_diff(folded.len()) <= allowed)
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `candidate`?`` for the nearest candidate.
pub(super) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Case, `-` and `_` are not what tells two words apart.
fn fold(word: &str) -> Vec<char> {
    word.chars().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost 1 each.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut previous_a = None;
    for (row, left) in a.iter().enumerate() {
        let mut next = vec![row + 1];
        let mut previous_b = None;
        for (column, right) in b.iter().enumerate() {
            let replaced = at(&last, column) + usize::from(left != right);
            let mut best = replaced.min(at(&last, column + 1) + 1).min(at(&next, column) + 1);
            if previous_a == Some(right) && previous_b == Some(left) {
                best = best.min(at(&before, column.wrapping_sub(1)) + 1);
            }
            next.push(best);
            previous_b = Some(right);
        }
        before = std::mem::replace(&mut last, next);
        previous_a = Some(left);
    }
    at(&last, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let words = ["image", "build", "depends_on", "environment"];
        assert_eq!(nearest("imgae", words), Some("image"));
        assert_eq!(nearest("dependson", words), Some("depends_on"));
        assert_eq!(nearest("Depends-On", words), Some("depends_on"));
        assert_eq!(nearest("enviroment", words), Some("environment"));
    }

    #[test]
    fn a_word_that_resembles_nothing_gets_no_suggestion() {
        assert_eq!(nearest("kubernetes", ["image", "build"]), None);
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest(&"x".repeat(10_000), ["image"]), None);
    }
}
