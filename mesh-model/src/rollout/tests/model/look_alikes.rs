//! Whether states that are taken for one are one: what the count of all interleavings rests on.

use super::*;

/// Takes every step from each two worlds that a key takes for one, and compares what becomes of them; how
/// many there were.
///
/// If no two differ after any step, then none that are reached ever do.
pub(in super::super) fn look_alikes(
    start: Start,
    targets: usize,
    rules: &RolloutPolicy,
    (changes, depth): (Changes, usize),
    key: impl Fn(&World<'_>) -> u128,
) -> Result<usize, String> {
    let fleets = ZONES.map(|zones| layout(targets, &zones));
    let field = Field::new(&fleets, rules, changes);
    let world = World::begin(start, &field, Bug::None)?;
    let mut seen = BTreeMap::from([(key(&world), world.clone())]);
    let mut queue = VecDeque::from([(world, 0)]);
    let mut pairs = 0;
    while let Some((world, level)) = queue.pop_front() {
        for step in world.steps(2) {
            let (taken, next) = world.after(step);
            taken?;
            let Some(other) = seen.get(&key(&next)) else {
                seen.insert(key(&next), next.clone());
                if level + 1 < depth {
                    queue.push_back((next, level + 1));
                }
                continue;
            };
            pairs += 1;
            if next.steps(2) != other.steps(2) {
                return Err(format!("what can happen differs after {step:?}"));
            }
            for more in next.steps(2) {
                let ((one, here), (two, there)) = (next.after(more), other.after(more));
                if one != two || key(&here) != key(&there) {
                    return Err(format!("{step:?} led to a look-alike that {more:?} tells apart"));
                }
            }
        }
    }
    Ok(pairs)
}
