//! Student's t distribution: the quantile that confidence intervals need.
//!
//! The distribution function through the regularised incomplete beta function
//! (its continued fraction, Abramowitz and Stegun 26.5.8, by Lentz's method),
//! inverted by bisection: slow and sure.

/// The value that a t-distributed number with so many degrees of freedom stays below with the given
/// probability.
///
/// ```
/// let t = sim::statistics::student_t_quantile(0.995, 19);
/// assert!((t - 2.860_934_6).abs() < 1e-6);
/// ```
#[must_use]
pub fn student_t_quantile(probability: f64, degrees: u64) -> f64 {
    if probability < 0.5 {
        return -student_t_quantile(1.0 - probability, degrees);
    }
    let (mut low, mut high) = (0.0, 1.0);
    while student_t_cdf(high, degrees) < probability && high < 1e9 {
        high *= 2.0;
    }
    // 80 halvings of at most 2^30 leave less than the spacing of doubles.
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if student_t_cdf(middle, degrees) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// For `t` of zero or more.
#[allow(clippy::cast_precision_loss, reason = "degrees of freedom are counts of runs")]
fn student_t_cdf(t: f64, degrees: u64) -> f64 {
    let degrees = degrees.max(1) as f64;
    1.0 - 0.5 * incomplete_beta(degrees / (degrees + t * t), degrees / 2.0, 0.5)
}

/// The regularised incomplete beta function.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let beta = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b);
    let front = libm::exp(beta + a * libm::log(x) + b * libm::log1p(-x));
    // The fraction converges fast on one side of the mean only; the other side follows by symmetry.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(1.0 - x, b, a) / b
    }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for step in 1..=300 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for numerator in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + numerator * d);
            c = away_from_zero(1.0 + numerator / c);
            change = c * d;
            result *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}
