//! How fast a clock moves against the reference, by the median of slopes; pure.

use crate::model::history::Moment;

/// One measured offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// When.
    pub at: Moment,
    /// Host minus reference, seconds.
    pub offset_s: f64,
    /// It is off by at most this, seconds.
    pub error_s: f64,
}

/// A drift, in parts per million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Positive: the host's clock gains.
    pub ppm: f64,
    /// Two standard deviations, as the readings scatter.
    pub error_ppm: f64,
}

/// Slopes are taken between this many readings at most: 120 of them make 7,140.
const MOST: usize = 120;
/// Fewer readings, or a shorter time, tell no drift.
const LEAST: usize = 5;
const LEAST_SPAN_S: f64 = 600.0;
/// A drift that is known no better than this is not told.
const WORST_ERROR_PPM: f64 = 200.0;
/// The fastest that a kernel slews a clock; what goes beyond was a step.
const SLEW: f64 = 500e-6;
/// A jump below this is noise.
const NOISE_S: f64 = 0.02;
/// The clock may have been set unseen in a longer pause.
const PAUSE_S: f64 = 6.0 * 3600.0;

/// The drift since the clock was last set; readings in the order of time.
///
/// The median of slopes (Theil 1950, Sen 1968) bears a quarter of wild readings; a least-squares line bears none.
pub fn drift(readings: &[Reading]) -> Option<Drift> {
    let readings = thinned(since_set(readings));
    let (first, last) = (readings.first()?, readings.last()?);
    let span_s = last.at.seconds_since(first.at);
    if readings.len() < LEAST || span_s < LEAST_SPAN_S {
        return None;
    }
    let mut slopes = Vec::with_capacity(readings.len() * readings.len() / 2);
    for (n, a) in readings.iter().enumerate() {
        // Neighbours say little but noise: their slope is an error over a short time.
        let apart = readings[n + 1..].iter().filter(|b| b.at.seconds_since(a.at) >= span_s / 8.0);
        slopes.extend(apart.map(|b| (b.offset_s - a.offset_s) / b.at.seconds_since(a.at)));
    }
    let slope = median(&mut slopes)?;
    let at = |reading: &Reading| reading.at.seconds_since(first.at);
    let mut rests: Vec<f64> = readings.iter().map(|r| r.offset_s - slope * at(r)).collect();
    let level = median(&mut rests)?;
    let mut scatter: Vec<f64> = rests.iter().map(|rest| (rest - level).abs()).collect();
    // The median deviation of a normal distribution, and the variance of a line's slope over even times.
    let sigma = 1.4826 * median(&mut scatter)?;
    let error_ppm = 2e6 * sigma * (12.0 / readings.len() as f64).sqrt() / span_s;
    (error_ppm <= WORST_ERROR_PPM).then_some(Drift { ppm: slope * 1e6, error_ppm })
}

/// What came after the last step.
fn since_set(readings: &[Reading]) -> &[Reading] {
    let set = readings.windows(2).rposition(|pair| {
        let (a, b) = (&pair[0], &pair[1]);
        let apart_s = b.at.seconds_since(a.at);
        let noise = a.error_s + b.error_s + NOISE_S;
        apart_s > PAUSE_S || (b.offset_s - a.offset_s).abs() > noise + SLEW * apart_s
    });
    set.map_or(readings, |n| &readings[n + 1..])
}

/// Of many readings the surest of each stretch.
fn thinned(readings: &[Reading]) -> Vec<Reading> {
    let each = readings.len().div_ceil(MOST).max(1);
    let surest = |some: &[Reading]| some.iter().copied().min_by(|a, b| a.error_s.total_cmp(&b.error_s));
    readings.chunks(each).filter_map(surest).collect()
}

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reading a minute of a clock with this drift, noise as a fixed pattern of this size.
    fn readings(minutes: i64, ppm: f64, noise_s: f64) -> Vec<Reading> {
        (0..minutes)
            .map(|n| Reading {
                at: Moment(n * 60_000_000_000),
                offset_s: ppm * 1e-6 * 60.0 * n as f64 + noise_s * ((n * 7 % 5) as f64 - 2.0) / 2.0,
                error_s: 0.01,
            })
            .collect()
    }

    #[test]
    fn a_drift_is_found_within_its_error() {
        for ppm in [-300.0, -12.5, 0.0, 0.2, 40.0] {
            for (minutes, noise_s, within) in [(60, 0.0, 0.01), (1440, 0.005, 0.3), (10_080, 0.005, 0.05)] {
                let found = drift(&readings(minutes, ppm, noise_s)).unwrap();
                assert!((found.ppm - ppm).abs() < within, "{ppm} {minutes}: {found:?}");
                assert!((found.ppm - ppm).abs() <= found.error_ppm + 0.01, "{ppm} {minutes}: {found:?}");
            }
        }
    }

    #[test]
    fn a_step_begins_anew_and_wild_readings_do_not_turn_it() {
        let mut stepped = readings(600, 20.0, 0.001);
        for reading in &mut stepped[300..] {
            reading.offset_s -= 7.0;
        }
        assert!((drift(&stepped).unwrap().ppm - 20.0).abs() < 0.5);
        let mut wild = readings(600, 20.0, 0.001);
        for reading in wild.iter_mut().step_by(10) {
            // Off by half a second, and honest about it.
            (reading.offset_s, reading.error_s) = (reading.offset_s + 0.5, 0.6);
        }
        assert!((drift(&wild).unwrap().ppm - 20.0).abs() < 0.5);
    }

    #[test]
    fn too_little_tells_nothing() {
        assert_eq!(drift(&[]), None);
        assert_eq!(drift(&readings(4, 20.0, 0.0)), None, "too few");
        assert_eq!(drift(&readings(9, 20.0, 0.0)), None, "too short");
        assert_eq!(drift(&readings(15, 20.0, 1.0)), None, "too noisy");
    }
}
