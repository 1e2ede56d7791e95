// SPDX-License-Identifier: MIT OR Apache-2.0
//! The same figures as a plain program over the `csv` crate, whatever the file looks like.

use std::collections::BTreeMap;
use std::io::Read;

use num_bigint::BigUint;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};

use super::marks::CHUNK;
use super::{Aggregation, Limits, Request, RowsError, Table};

/// A reader that gives so many bytes at most at a time, as a pipe may.
struct Drips<'a>(&'a [u8], usize);

impl Read for Drips<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.1.min(buffer.len()).min(self.0.len());
        buffer[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

fn aggregate_by(text: &[u8], request: Request, limits: Limits, drip: usize) -> Result<Table, RowsError> {
    let mut aggregation = Aggregation::new(request, limits);
    aggregation.add("test.csv", &mut Drips(text, drip), &mut |_| {})?;
    aggregation.finish()
}

fn aggregate(text: &[u8]) -> Result<Table, RowsError> {
    aggregate_by(text, Request::default(), Limits::default(), usize::MAX)
}

/// A group as text: the figures, or `count 0`.
type Found = BTreeMap<Vec<String>, Vec<String>>;

fn found(table: &Table) -> Found {
    let figures = |summary: &super::Summary| match &summary.figures {
        None => vec![summary.count.to_string()],
        Some(f) => vec![
            summary.count.to_string(),
            f.min.to_string(),
            f.median.to_string(),
            f.p90.to_string(),
            f.p99.to_string(),
            f.max.to_string(),
            format!("{:.9e}", f.mean),
            f.stddev.map_or(String::new(), |stddev| format!("{stddev:.6e}")),
        ],
    };
    table
        .groups
        .iter()
        .map(|(key, summary)| (key.clone(), figures(summary)))
        .collect()
}

/// Returns the line of a row. The position that the crate gives is before any empty lines that it skips.
fn line_at(text: &[u8], position: Option<&csv::Position>) -> u64 {
    let start = position.map_or(0, csv::Position::byte) as usize;
    let blank = text[start..]
        .iter()
        .take_while(|byte| matches!(byte, b'\n' | b'\r'))
        .count();
    1 + text[..start + blank].iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// The plain program: every sample in memory, sorted. Returns the line of the first bad row otherwise.
fn reference(text: &[u8]) -> Result<Found, u64> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text);
    let header = reader.byte_headers().map_err(|_| 1_u64)?.clone();
    let column = |name: &[u8]| header.iter().position(|field| field == name);
    let keys = [column(b"seq"), column(b"pe"), column(b"event")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    let (value, count) = (column(b"cycles").unwrap(), column(b"count"));
    let mut groups: BTreeMap<Vec<String>, Vec<u64>> = BTreeMap::new();
    for record in reader.into_byte_records() {
        let record = record.map_err(|error| line_at(text, error.position()))?;
        let line = || line_at(text, record.position());
        let number = |column: usize| -> Option<u64> {
            let field = std::str::from_utf8(&record[column]).ok()?;
            let field = field.trim_matches([' ', '\t', '\n', '\r', '\x0c']);
            field
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| field.parse().ok())?
        };
        let value = number(value).ok_or_else(line)?;
        let count = count.map_or(Some(1), number).ok_or_else(line)?;
        let key = keys
            .iter()
            .map(|&key| String::from_utf8_lossy(&record[key]).into_owned())
            .collect();
        groups.entry(key).or_default().extend((0..count).map(|_| value));
    }
    let figures = |mut values: Vec<u64>| {
        values.sort_unstable();
        let n = values.len();
        if n == 0 {
            return vec!["0".to_owned()];
        }
        let twice = u128::from(values[(n - 1) / 2]) + u128::from(values[n / 2]);
        let rank = |p: usize| values[(n * p).div_ceil(100) - 1].to_string();
        let sum: u128 = values.iter().map(|&v| u128::from(v)).sum();
        let mean = sum as f64 / n as f64;
        vec![
            n.to_string(),
            values[0].to_string(),
            format!("{}{}", twice / 2, if twice % 2 == 1 { ".5" } else { "" }),
            rank(90),
            rank(99),
            values[n - 1].to_string(),
            format!("{mean:.9e}"),
            if n < 2 {
                String::new()
            } else {
                standard_deviation(&values)
            },
        ]
    };
    Ok(groups.into_iter().map(|(key, values)| (key, figures(values))).collect())
}

/// Returns the standard deviation of a sample of two or more in the form in which it is printed: from whole numbers only, so
/// that no digit of it is in doubt. A tie goes to the even digit.
fn standard_deviation(values: &[u64]) -> String {
    let big = |value: u64| BigUint::from(value);
    let n = big(values.len() as u64);
    let sum: BigUint = values.iter().copied().map(big).sum();
    let squares: BigUint = values.iter().map(|&value| big(value) * value).sum();
    // The square of what is sought is above / below.
    let (above, below) = (&n * squares - &sum * &sum, &n * (&n - 1_u32));
    if above == BigUint::ZERO {
        return "0.000000e0".to_owned();
    }
    let (least, limit) = (big(1_000_000), big(10_000_000));
    let ten = |power: i32| big(10).pow(2 * power.unsigned_abs());
    for exponent in (-20..=20).rev() {
        // All seven digits stand before the point.
        let shift = 6 - exponent;
        let (above, below) = match shift >= 0 {
            true => (&above * ten(shift), below.clone()),
            false => (above.clone(), &below * ten(shift)),
        };
        let mut digits = (&above / &below).sqrt();
        if digits < least {
            continue;
        }
        let half = &digits * 2_u32 + 1_u32;
        let round = (above * 4_u32).cmp(&(&half * &half * below));
        if round.is_gt() || round.is_eq() && digits.bit(0) {
            digits += 1_u32;
        }
        let (digits, exponent) = match digits == limit {
            true => (least, exponent + 1),
            false => (digits, exponent),
        };
        let digits = digits.to_string();
        return format!("{}.{}e{exponent}", &digits[..1], &digits[1..]);
    }
    panic!("no such number");
}

#[test]
fn the_reference_of_the_standard_deviation_is_known_by_hand() {
    let of = |values: &[u64]| standard_deviation(values);
    assert_eq!(of(&[5, 5]), "0.000000e0");
    // The square root of 2, 1.41421356...
    assert_eq!(of(&[7, 9]), "1.414214e0");
    assert_eq!(of(&[2, 4, 4, 4, 5, 5, 7, 9]), "2.138090e0");
    // Ties go to the even digit, once down and once up. (The standard deviation of 0, x, 2x is x.)
    assert_eq!(of(&[0, 10_000_005, 20_000_010]), "1.000000e7");
    assert_eq!(of(&[0, 10_000_015, 20_000_030]), "1.000002e7");
    assert_eq!(of(&[0, 99_999_995, 199_999_990]), "1.000000e8");
    assert_eq!(of(&[0, u64::MAX]), "1.304382e19");
}

/// Compares with the plain program, reading in small and in large pieces and with little memory.
fn check(text: &[u8]) {
    let expected = reference(text);
    let small = Limits {
        pages: 3,
        directories: 40,
        // Every few values to a file, but not thousands of files.
        sparse: if text.len() < 4096 { 4 } else { 2048 },
    };
    for (limits, drip) in [(Limits::default(), usize::MAX), (small, 7), (Limits::default(), 4099)] {
        match (&expected, aggregate_by(text, Request::default(), limits, drip)) {
            (Ok(expected), Ok(table)) => assert_eq!(&found(&table), expected),
            (Err(expected), Err(RowsError::Row { line, .. })) => assert_eq!(line, *expected),
            (expected, table) => panic!("expected {expected:?}, found {table:?}"),
        }
    }
}

#[test]
fn plain_rows() {
    check(b"run,seq,pe,iter,cycles\n1,old,0,0,7\n1,old,0,1,9\n1,new,0,0,5\n1,old,1,0,12345678\n");
    check(b"seq,pe,cycles\r\na,0,1\r\na,0,2\r\nb,1,3\r\n");
    check(b"cycles,seq\n1,a\n2,a\n");
    check(b"cycles\n1\n2\n3\n");
    check(b"seq,pe,event,batch,cycles,count\na,0,cycles,0,7,3\na,0,cycles,0,8,0\nb,0,cycles,0,8,0\n");
    check(b"seq,pe,cycles\n");
    check(b"seq,pe,cycles\na,0,0\na,0,10000005\na,0,20000010\nb,0,0\nb,0,10000015\nb,0,20000030\n");
}

#[test]
fn odd_rows_mean_what_the_csv_crate_says() {
    check(b"\xef\xbb\xbfseq,pe,cycles\na,0,1\n");
    check(b"seq,pe,cycles\n\"a\",0,1\na,\"0\",\"2\"\n\"a,0\",1,3\na,\"0,1\",4\n\"two\nlines\",0,5\n\"a\"\"b\",0,6\n");
    check(b"seq,pe,cycles\n\n\na,0,1\n\r\na,0,2\n\n");
    check(b"seq,pe,cycles\ra,0,1\ra,0,2\r");
    check(b"seq,pe,cycles\na b,0,1\na b,0, 2 \nx\"y,0,3\n,,4\n,,5\n");
    check(b"seq,pe,cycles\na,0,18446744073709551615\na,0,000000000000000000000000000001\na,0,123456789\n");
    check("seq,pe,cycles\nö,0,1\nö,0,2\n\u{feff}ö,0,3\n".as_bytes());
    check(b"seq,pe,cycles\na,0,1\na,0,2");
    check(b"\nseq,pe,cycles\na,0,1\n");
}

#[test]
fn bad_rows_are_named_by_their_line() {
    for row in [
        "a,0",
        "a,0,1,2",
        "a,0,",
        "a,0,-1",
        "a,0,1.5",
        "a,0,1e3",
        "a,0,x",
        "a,0,18446744073709551616",
        "a,0,+1",
    ] {
        for filler in ["", "b,1,5\n", "b,1,5\n\n", "\"b\n\",1,5\n"] {
            let text = format!("seq,pe,cycles\n{filler}{row}\nb,1,5\n");
            check(text.as_bytes());
            assert!(aggregate(text.as_bytes()).is_err(), "{text}");
        }
    }
    let error = aggregate(b"seq,pe,cycles\na,0,1\na,0,-3\n").unwrap_err().to_string();
    assert_eq!(
        error,
        "test.csv line 3: cycles is `-3`, not a whole number from 0 to 2^64 - 1"
    );
    let error = aggregate(b"seq,pe,cycles\na,0\n").unwrap_err().to_string();
    assert_eq!(error, "test.csv line 2: 2 fields where 3 are due");
}

#[test]
fn rows_across_chunks_of_every_phase() {
    let mut text = b"run,seq,pe,iter,cycles\n".to_vec();
    for i in 0..4500_u32 {
        let quote = if i % 1000 == 999 { "\"" } else { "" };
        text.extend(format!("r,{quote}seq_{}{quote},{},{i},{}\n", i % 7, i % 3, i * 37 % 5003).bytes());
    }
    assert!(text.len() > CHUNK);
    // Padding at the front moves every row boundary over the chunk boundary in turn.
    for padding in 0..20 {
        let padded = [
            format!("run,seq,pe,iter,cycles\n{},a,0,0,1\n", "x".repeat(padding)).as_bytes(),
            &text[23..],
        ]
        .concat();
        check(&padded);
    }
    let crlf = String::from_utf8(text).unwrap().replace('\n', "\r\n");
    check(crlf.as_bytes());
}

#[test]
fn long_keys_long_rows_and_many_columns() {
    let long = "k".repeat(70);
    check(format!("seq,pe,cycles\n{long},0,1\n{long},0,2\n{long}x,0,3\n").as_bytes());
    let huge = "h".repeat(3 * CHUNK);
    check(format!("seq,pe,cycles\na,0,1\n{huge},0,2\n{huge},0,3\n\"{huge}\",0,4\na,0,5\n").as_bytes());
    for columns in [5, 8, 63, 64, 65, 200] {
        let header: Vec<String> = (0..columns - 3).map(|i| format!("c{i}")).collect();
        let row = |value: u32| format!("{}1,s,9,{value}\n", "3,".repeat(columns - 4));
        let text = format!("{},pe,seq,cycles\n{}{}", header.join(","), row(4), row(6));
        check(text.as_bytes());
    }
    let endless = format!("seq,pe,cycles\na,0,1\n\"{}", "x\n".repeat(1 << 20));
    let error = aggregate(endless.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("quote"), "{error}");
}

#[test]
fn columns_are_found_or_asked_for() {
    let table = aggregate(b"Run,Sequence,PE,Iteration,Cycles\n1,old,0,0,7\n").unwrap();
    assert_eq!(
        (table.keys.as_slice(), table.value.as_str()),
        (["Sequence", "PE"].map(str::to_owned).as_slice(), "Cycles")
    );
    let request = |by: &str, value: &str, headerless| Request {
        by: Some(by.split_terminator(',').map(str::to_owned).collect()),
        value: Some(value.to_owned()),
        count: None,
        headerless,
    };
    let by = |by, value, headerless, text: &str| {
        aggregate_by(
            text.as_bytes(),
            request(by, value, headerless),
            Limits::default(),
            usize::MAX,
        )
    };
    let keys = |table: &Table| {
        table
            .groups
            .iter()
            .map(|(key, s)| format!("{}:{}", key.join("/"), s.count))
            .collect::<Vec<_>>()
    };
    let text = "a,b,c,ns\n1,2,3,4\n1,10,3,4\n1,9,4,5\nx,9,4,5\n";
    // In the order asked for, whether the columns are neighbors or not; numbers sort as numbers.
    assert_eq!(
        keys(&by("b,a", "ns", false, text).unwrap()),
        ["2/1:1", "9/1:1", "9/x:1", "10/1:1"]
    );
    assert_eq!(
        keys(&by("a,c", "ns", false, text).unwrap()),
        ["1/3:2", "1/4:1", "x/4:1"]
    );
    assert_eq!(
        keys(&by("file,c", "ns", false, text).unwrap()),
        ["test.csv/3:2", "test.csv/4:2"]
    );
    assert_eq!(keys(&by("", "ns", false, text).unwrap()), [":4"]);
    assert_eq!(keys(&by("1", "4", true, &text[9..]).unwrap()), ["1:3", "x:1"]);
    for (wanted, value, message) in [
        ("a", "d", "no column `d` for --value; the columns are: a, b, c, ns"),
        ("z", "ns", "no column `z` for --by"),
        ("a,ns", "ns", "column `ns` cannot be two"),
    ] {
        let error = by(wanted, value, false, text).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains(message), "{error}");
    }
    assert!(
        aggregate(b"seq,pe\n1,2\n")
            .unwrap_err()
            .to_string()
            .contains("`cycles` or `value`")
    );
    assert!(matches!(aggregate(b""), Err(RowsError::Empty { .. })));
}

#[test]
fn what_may_be_wrong_is_noted() {
    assert!(aggregate(b"seq,cycles\na,1\n").unwrap().notes.is_empty());
    assert!(aggregate(b"seq,cycles\na,1\na,2").unwrap().notes[0].contains("cut short"));
    assert!(aggregate(b"cycles\n1\n").unwrap().notes[0].contains("one group"));
}

#[test]
fn too_many_groups_are_refused() {
    let rows: String = (0..30_000).map(|i| format!("s{i},1\n")).collect();
    let error = aggregate(format!("seq,cycles\n{rows}").as_bytes())
        .unwrap_err()
        .to_string();
    assert!(error.contains("line 20002") && error.contains("--by"), "{error}");
}

#[test]
fn figures_of_extreme_values_are_exact() {
    let max = u64::MAX;
    let table = aggregate(format!("cycles\n{max}\n{}\n{max}\n{}\n", max - 1, max - 1).as_bytes()).unwrap();
    let figures = table.groups[0].1.figures.unwrap();
    assert_eq!(figures.median.to_string(), "18446744073709551614.5");
    // Far from zero nothing cancels: the deviations are 1/2 each, and n - 1 is 3.
    assert!((figures.stddev.unwrap() - (1.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    // Too wide for exact squares: 2^63 times the square root of 4/3, for 0, 0, and twice the maximum.
    let table = aggregate(format!("cycles,count\n0,2\n{max},2\n").as_bytes()).unwrap();
    let stddev = table.groups[0].1.figures.unwrap().stddev.unwrap();
    assert!((stddev / (2_f64.powi(63) * (4.0_f64 / 3.0).sqrt()) - 1.0).abs() < 1e-12);
    let error = aggregate(format!("cycles,count\n1,{max}\n").as_bytes()).unwrap_err();
    assert!(error.to_string().contains("2^63"), "{error}");
}

/// Fields as they are found in files, and some that are not.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z_0-9]{0,12}",
        4 => "[0-9]{1,9}",
        1 => "[ -~]{0,6}",
        1 => "\"([a-z,\n\r]|\"\"){0,6}\"",
        1 => Just("\u{e9}\u{20ac}".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => "[0-9]{1,8}",
        6 => (0_u32..300).prop_map(|value| value.to_string()),
        2 => any::<u64>().prop_map(|value| value.to_string()),
        2 => "\"[0-9]{1,4}\"",
        1 => " [0-9]{1,3}",
    ]
}

fn file() -> impl Strategy<Value = String> {
    let end = prop_oneof![8 => Just("\n"), 3 => Just("\r\n"), 1 => Just("\r"), 1 => Just("\n\n")];
    let row = (field(), 0_u32..4, field(), value(), end)
        .prop_map(|(seq, pe, other, value, end)| format!("{seq},{pe},{other},{value}{end}"));
    (any::<bool>(), prop::collection::vec(row, 0..40), any::<bool>()).prop_map(|(mark, rows, cut)| {
        let mark = if mark { "\u{feff}" } else { "" };
        let mut text = format!("{mark}seq,pe,other,cycles\n{}", rows.concat());
        if cut {
            text.truncate(text.trim_end().len());
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_of_any_form(text in file()) {
        check(text.as_bytes());
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(prop_oneof![Just(b','), Just(b'\n'), Just(b'"'), Just(b'1'), any::<u8>()], 0..200)) {
        check(&[b"seq,pe,cycles\n".as_slice(), &bytes].concat());
    }

    #[test]
    fn long_files(rows in prop::collection::vec((0_u8..5, 0_u8..3, value()), 1..200), times in 1..20_usize) {
        let rows: String = rows.iter().map(|(seq, pe, value)| format!("r1,s{seq},{pe},0,{value}\n")).collect();
        check(format!("run,seq,pe,iter,cycles\n{}", rows.repeat(times)).as_bytes());
    }
}
