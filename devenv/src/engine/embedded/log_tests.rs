//! Tests of service logs: what was written is what is read.

use super::*;

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_123).expect("a time")
}

fn texts(lines: impl IntoIterator<Item = (Output, String)>) -> Vec<String> {
    lines.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn a_line_in_pieces_is_written_once_whole_with_time_and_output() {
    let mut lines = Lines::new(Output::Err);
    assert_eq!(lines.push(b"hel", now()), "");
    assert_eq!(lines.push(b"lo\nwor", now()), "2023-11-14T22:13:20.123Z err hello\n");
    assert_eq!(lines.finish(now()), "2023-11-14T22:13:20.123Z err wor\n");
    assert_eq!(lines.finish(now()), "");
}

#[test]
fn what_is_written_is_read_back_with_spaces_and_without_line_ends() {
    let text = Lines::new(Output::Out).push(b"  two  spaces \r\n\n", now());
    let read: Vec<_> = text.lines().filter_map(parse_line).collect();
    assert_eq!(read, [(Output::Out, "  two  spaces "), (Output::Out, "")]);
}

#[test]
fn a_line_without_end_is_cut() {
    let mut lines = Lines::new(Output::Out);
    let text = lines.push(&vec![b'x'; 2 * LONGEST_LINE + 5], now());
    assert_eq!(text.lines().count(), 2);
    assert_eq!(lines.rest.len(), 5);
}

#[test]
fn a_full_log_keeps_the_file_before_and_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log");
    let mut writer = Writer::with_limit(&path, 100).expect("a log");
    for number in 0..20 {
        let text = Lines::new(Output::Out).push(format!("{number:04}\n").as_bytes(), now());
        writer.append(&text).expect("written");
    }
    let sizes = [&path, &older(&path)].map(|file| std::fs::metadata(file).expect("a file").len());
    assert!(sizes.iter().all(|size| *size <= 100), "{sizes:?}");
    let kept = texts(tail(&path, None).expect("lines"));
    assert_eq!(kept.last().map(String::as_str), Some("0019"));
    assert_eq!(texts(tail(&path, Some(2)).expect("lines")), ["0018", "0019"]);
}

#[test]
fn a_follower_misses_nothing_at_a_rotation() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log");
    let mut follower = Follower::new(path.clone());
    assert!(follower.catch_up().expect("no log yet").is_empty());
    let mut writer = Writer::with_limit(&path, 120).expect("a log");
    let mut read = Vec::new();
    for number in 0..50 {
        let text = Lines::new(Output::Out).push(format!("{number}\n").as_bytes(), now());
        writer.append(&text).expect("written");
        if number % 2 == 0 {
            read.extend(texts(follower.catch_up().expect("lines")));
        }
    }
    read.extend(texts(follower.catch_up().expect("lines")));
    assert_eq!(read, (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_follower_goes_on_with_a_log_made_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("service").join("log");
    let write = |text: &[u8]| {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        let text = Lines::new(Output::Out).push(text, now());
        Writer::open(&path).expect("a log").append(&text).expect("written");
    };
    let mut follower = Follower::new(path.clone());
    write(b"first\n");
    assert_eq!(texts(follower.catch_up().expect("lines")), ["first"]);
    std::fs::remove_dir_all(path.parent().expect("a parent")).expect("removed");
    assert!(follower.catch_up().expect("lines").is_empty());
    write(b"second\n");
    assert_eq!(texts(follower.catch_up().expect("lines")), ["second"]);
}
