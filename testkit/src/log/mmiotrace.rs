use xhci_hal::middleware::MmioAccess;

/// A line of a trace that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}: `{text}`")]
pub struct BadTrace {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
    /// The line.
    pub text: String,
}

/// The accesses to a controller's registers in a trace of Linux's mmiotrace: those within the first mapping, in bytes from its start.
///
/// Lines are `MAP time id physical virtual length …`, `R width time id physical value …` and `W …`, as in the kernel's
/// `Documentation/trace/mmiotrace.rst`. Later mappings (the MSI-X table) are left out.
///
/// # Errors
/// [`BadTrace`] for a line of a known kind that cannot be read, and for accesses that are not 32 bits wide.
pub fn parse_mmiotrace(trace: &str) -> Result<Vec<MmioAccess>, BadTrace> {
    let mut base = None;
    let mut log = Vec::new();
    for (index, text) in trace.lines().enumerate() {
        let bad = |what| BadTrace {
            line: index + 1,
            what,
            text: text.to_owned(),
        };
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let number = |at: usize| {
            let word = words.get(at).copied().unwrap_or_default();
            let digits = word.strip_prefix("0x").ok_or(bad("a number is missing"))?;
            u64::from_str_radix(digits, 16).map_err(|_| bad("not a number"))
        };
        match words.first().copied() {
            Some("MAP") if base.is_none() => {
                let id = words.get(2).copied().unwrap_or_default().to_owned();
                base = Some((id, number(3)?));
            }
            Some(side @ ("R" | "W")) => {
                let Some((id, start)) = &base else {
                    return Err(bad("an access before any mapping"));
                };
                if words.get(3) != Some(&id.as_str()) {
                    continue;
                }
                if words.get(1) != Some(&"4") {
                    return Err(bad("an access that is not 32 bits wide"));
                }
                let at = number(4)?.checked_sub(*start);
                let at = at.and_then(|at| u32::try_from(at).ok());
                let at = at.ok_or(bad("an access outside of its mapping"))?;
                let value = u32::try_from(number(5)?).map_err(|_| bad("a value of 64 bits"))?;
                log.push(if side == "R" {
                    MmioAccess::read(at, value)
                } else {
                    MmioAccess::write(at, value)
                });
            }
            _ => {}
        }
    }
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_of_the_first_mapping_are_read_and_others_left_out() {
        let trace = "VERSION 20070824\n\
            MAP 4.3 1 0xfebf8000 0xffff0000 0x4000 0x0 0\n\
            R 4 4.4 1 0xfebf8040 0x5 0x0 0\n\
            MAP 4.5 2 0xfebfb000 0xffff8000 0x100 0x0 0\n\
            W 4 4.6 2 0xfebfb000 0x7 0x0 0\n\
            W 4 4.7 1 0xfebf8044 0x2 0x0 0\n";
        let log = parse_mmiotrace(trace).expect("a good trace");
        assert_eq!(log, [MmioAccess::read(0x40, 5), MmioAccess::write(0x44, 2)]);
    }

    #[test]
    fn an_access_of_another_width_is_named_with_its_line() {
        let trace = "MAP 0 1 0x1000 0x0 0x10 0x0 0\nR 2 0 1 0x1000 0x5 0x0 0\n";
        let error = parse_mmiotrace(trace).expect_err("16 bits");
        assert_eq!(error.line, 2);
    }
}
