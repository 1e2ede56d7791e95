// SPDX-License-Identifier: MIT OR Apache-2.0
//! Samples to exact value counts: lossless, and small on a serial line.

/// Sorts `samples` and calls `emit` with every distinct value and its count, in rising order, in groups of at most `N`.
pub fn count_values<const N: usize>(samples: &mut [u64], mut emit: impl FnMut(&[(u64, u32)])) {
    samples.sort_unstable();
    let mut group = [(0, 0); N];
    let mut used = 0;
    for run in samples.chunk_by(|a, b| a == b) {
        group[used] = (run[0], run.len() as u32);
        used += 1;
        if used == N {
            emit(&group);
            used = 0;
        }
    }
    if used > 0 {
        emit(&group[..used]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_counted_once_in_groups() {
        let mut samples = [5, 3, 5, 9, 3, 5, u64::MAX];
        let mut groups = Vec::new();
        count_values::<2>(&mut samples, |group| groups.push(group.to_vec()));
        assert_eq!(groups, [vec![(3, 2), (5, 3)], vec![(9, 1), (u64::MAX, 1)]]);
        count_values::<2>(&mut [], |_| panic!("nothing to emit"));
    }
}
