//! Numbers as people read them.

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A fraction as a share with three decimals, cut off and not rounded: what is
/// not all must not read as 100 %.
pub(crate) fn percent(fraction: f64) -> String {
    // a tenth of the last decimal, so that 0.12345 does not become 12.344 for lack of bits
    let thousandths = (fraction * 100_000.0 + 1e-6).floor();
    format!("{:.3}%", thousandths / 1_000.0)
}

/// A fraction as a share with one decimal.
pub(crate) fn rough_percent(fraction: f64) -> String {
    format!("{:.1}%", fraction * 100.0)
}

/// So many of a thing: `1 error`, `2 errors`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// An amount of bytes in the unit that leaves it short: `950 B`, `12.3 kB`, `2.15 GB`.
pub(crate) fn bytes(amount: u64) -> String {
    let units = [(1_000_000_000_000_u64, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    // what rounds up to the next unit is of the next unit
    let unit = units.into_iter().find(|(size, _)| amount as f64 / *size as f64 >= 0.999_5);
    match unit {
        Some((size, unit)) => format!("{} {unit}", significant(amount as f64 / size as f64)),
        None => format!("{amount} B"),
    }
}

/// Seconds with as many decimals as matter.
pub(crate) fn seconds(value: f64) -> String {
    format!("{} s", significant(value))
}

/// Milliseconds with as many decimals as matter.
pub(crate) fn milliseconds(value: f64) -> String {
    format!("{} ms", significant(value))
}

/// A length of simulated time: `1 h`, `1 h 30 min`, `12 min 30 s`, `90.5 s`.
pub(crate) fn span(value: f64) -> String {
    if value < 120.0 {
        return seconds(value);
    }
    // nobody asks for tenths of a second beside minutes
    let whole = value.round() as u64;
    let parts = [(whole / 3600, "h"), (whole / 60 % 60, "min"), (whole % 60, "s")];
    let said = parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}"));
    said.collect::<Vec<_>>().join(" ")
}

/// A moment of simulated time on a clock that began at the start: `0:07`, `25:10`, `1:02:03`, `2:46.9`.
pub(crate) fn clock(t_s: f64) -> String {
    let tenths = (t_s.max(0.0) * 10.0).round() as u64;
    let (whole, tenths) = (tenths / 10, tenths % 10);
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let fraction = if tenths > 0 { format!(".{tenths}") } else { String::new() };
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}{fraction}")
    } else {
        format!("{minutes}:{seconds:02}{fraction}")
    }
}

/// A measured value in one of the units of an expectation.
pub(crate) fn measured(value: Option<f64>, unit: &str) -> String {
    match (value, unit) {
        (None, _) => "never".to_owned(),
        (Some(value), "fraction") => percent(value),
        (Some(value), "ms") => milliseconds(value),
        (Some(value), "s") => seconds(value),
        (Some(value), _) if value >= 0.0 && value.fract() == 0.0 => grouped(value as u64),
        (Some(value), _) => significant(value),
    }
}

/// Three digits that matter, and no empty decimals; thousands grouped.
pub(crate) fn significant(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000.0 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", grouped(size.round() as u64));
    }
    let decimals = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
        for (fraction, expected) in
            [(1.0, "100.000%"), (0.999_999_9, "99.999%"), (0.123_45, "12.345%"), (0.0, "0.000%")]
        {
            assert_eq!(percent(fraction), expected);
        }
        for (value, expected) in [
            (0.0, "0"),
            (0.0123, "0.012"),
            (4.0, "4"),
            (12.34, "12.3"),
            (1234.5, "1,235"),
            (-2e6, "-2,000,000"),
        ] {
            assert_eq!(significant(value), expected);
        }
        for (value, expected) in
            [(90.5, "90.5 s"), (3600.0, "1 h"), (5400.0, "1 h 30 min"), (750.0, "12 min 30 s")]
        {
            assert_eq!(span(value), expected);
        }
        for (amount, expected) in [
            (0, "0 B"),
            (950, "950 B"),
            (1_000, "1 kB"),
            (67_123_456, "67.1 MB"),
            (999_999, "1 MB"),
            (2_147_483_648, "2.15 GB"),
            (u64::MAX, "18,446,744 TB"),
        ] {
            assert_eq!(bytes(amount), expected);
        }
        assert_eq!([counted(1, "error"), counted(2_000, "error")], ["1 error", "2,000 errors"]);
        assert_eq!(span(1510.25), "25 min 10 s");
        for (t_s, expected) in [
            (0.0, "0:00"),
            (7.04, "0:07"),
            (166.93, "2:46.9"),
            (1510.0, "25:10"),
            (3599.97, "1:00:00"),
            (3723.5, "1:02:03.5"),
        ] {
            assert_eq!(clock(t_s), expected);
        }
        assert_eq!(measured(None, "s"), "never");
        assert_eq!(measured(Some(1234.0), "count"), "1,234");
    }
}
