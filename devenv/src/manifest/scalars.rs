//! Small notations of Compose: durations, sizes, modes, ports, names.

use std::time::Duration;

/// The truth values of YAML 1.1 as Compose reads them.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" => Some(true),
        "false" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// `1h30m`, `2.5s`, `500ms`, `10us`, `10µs`, `1d`; a number without a unit counts seconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let length = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(length)?;
        let seconds = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?)?;
        rest = after;
    }
    let century = Duration::from_secs(100 * 365 * 86_400);
    (!text.is_empty() && total < century).then_some(total)
}

/// `64m`, `1gb`, `512k`, `100b` or a number of bytes; units count by 1024.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let power = match unit.trim() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return None,
    };
    let factor = 1024_u64.pow(power);
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let (whole, fraction) = number.split_once('.')?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    whole.checked_add(fraction.parse::<u64>().ok()?.checked_mul(factor)? / scale)
}

/// A file mode. `0440`, `440` and `0o440` are octal, with quotes or without.
pub(super) fn mode(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(8)) {
        return None;
    }
    u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o7777)
}

/// 1 to 65535.
pub(super) fn port(text: &str) -> Option<u16> {
    let digits_only = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| digits_only && *port != 0)
}

/// Names of services, networks, volumes, secrets and configs (Compose Specification, "Services top-level element").
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(allowed)
}

/// Name of a project (Compose Specification, "Version and name top-level elements").
pub(super) fn is_project_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    is_name(text) && text.chars().all(allowed)
}

/// Name of a person, tenant, role or client: it becomes a `sub`, a SCIM id and a Cedar entity id alike.
pub(super) fn is_identity_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | ':');
    text.len() <= 128 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_compose_writes_them() {
        let read = |text| duration(text).map(|d| d.as_millis());
        assert_eq!(read("1m30s"), Some(90_000));
        assert_eq!(read("1h5m30s20ms"), Some(3_930_020));
        assert_eq!(read("2.5s"), Some(2_500));
        assert_eq!(read("10"), Some(10_000));
        for wrong in ["", "s", "1x", "-1s", "1s2", "1..2s", "99999999999h"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_count_by_1024() {
        assert_eq!(bytes("64m"), Some(64 << 20));
        assert_eq!(bytes("1.5g"), Some(3 << 29));
        assert_eq!(bytes("100B"), Some(100));
        assert_eq!(bytes("2kb"), Some(2048));
        for wrong in ["", "m", "-1", "1x", "1.2.3m", "99999999999999999999", "99999999999t"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn modes_are_octal_and_ports_are_decimal() {
        assert_eq!(mode("0440"), Some(0o440));
        assert_eq!(mode("440"), Some(0o440));
        assert_eq!(mode("0o400"), Some(0o400));
        assert_eq!(mode("0999"), None);
        assert_eq!(mode("77777"), None);
        assert_eq!(port("65535"), Some(65535));
        assert_eq!(port("0"), None);
        assert_eq!(port("65536"), None);
        assert_eq!(port("+80"), None);
    }
}
