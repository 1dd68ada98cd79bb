//! Bugs that are planted: what the machine is given, or what it gives, is corrupted, for it has no hooks.

use super::*;

/// Where the machine is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Bug {
    AnyHashApproves,
    ApprovalsOutliveTheirRevision,
    BudgetIsLarger,
    CompletesUnasked,
    CompletesWithNobody,
    CrashLosesWhatWasDecided,
    EarlyIsLate,
    EmptyStageIsVerified,
    FourEyesAreTwo,
    GivesToTheGone,
    GivesWhatNobodyProposed,
    GivesWhileStopped,
    JoinsAreForgotten,
    JoinsReceiveTheProposed,
    MovesAreUnheard,
    LeftAreForgotten,
    NeverCompletes,
    NoPause,
    NoWindows,
    NobodyIsWoken,
    None,
    OldFailuresAreDone,
    OtherPolicyIsUnheard,
    RestartForgetsTheUnverified,
    RestartVerifiesTheUnverified,
    ReturnedAreBack,
    RollbackForgotten,
    SlotsAreMore,
    SoakIsLess,
    StageIsSkipped,
    StageOrderReversed,
    StaleFailureIsFresh,
    StaleIsFresh,
    StraysAreForgotten,
    UnheardAreDone,
    UnreadinessIsUntold,
}

impl Bug {
    /// The policy that a broken machine goes by.
    pub(super) fn policy(self, rules: &RolloutPolicy) -> RolloutPolicy {
        let mut policy = rules.clone();
        match self {
            Self::BudgetIsLarger => policy.failure_budget = Amount::Count(9),
            Self::FourEyesAreTwo => policy.four_eyes = false,
            Self::NoPause => policy.stages[0].pause = false,
            Self::NoWindows => policy.windows.clear(),
            Self::RollbackForgotten => policy.on_failure = OnFailure::Pause,
            Self::SlotsAreMore => policy.stages[1].max_concurrency = Amount::Count(2),
            Self::SoakIsLess => policy.stages[1].soak = Duration::ZERO,
            Self::StageOrderReversed => policy.stages.reverse(),
            _ => {}
        }
        policy
    }

    /// When an owner believes that the machine is to be woken.
    pub(super) fn wakes_at(self, due: Option<Time>) -> Option<Time> {
        due.filter(|_| self != Self::NobodyIsWoken)
    }

    /// Corrupts what the machine gives to whom, and what it calls complete.
    pub(super) fn tamper(
        self,
        checker: &Checker,
        targets: usize,
        given: &mut Vec<(usize, u8)>,
        completed: &mut Vec<u8>,
    ) {
        let (proposed, present) = (checker.proposed, &checker.present);
        let is_back = |number: u8| checker.completed == Some(number);
        let lacks = |target: &usize| present.get(target).is_some_and(|seen| seen.has != Some(proposed));
        match self {
            Self::CompletesUnasked if proposed != 0 && !is_back(proposed) => completed.push(proposed),
            Self::CompletesWithNobody if checker.approved && present.is_empty() => completed.push(proposed),
            Self::GivesToTheGone if proposed != 0 => {
                given.extend(
                    (0..targets).find(|target| !present.contains_key(target)).map(|gone| (gone, proposed)),
                );
            }
            Self::GivesWhatNobodyProposed => given.iter_mut().for_each(|(_, number)| *number += 50),
            Self::GivesWhileStopped if checker.halted => {
                given.extend((0..targets).find(lacks).map(|target| (target, proposed)));
            }
            Self::JoinsAreForgotten => {
                given.retain(|(target, number)| !is_back(*number) || present[target].has.is_some());
            }
            Self::NeverCompletes => completed.clear(),
            Self::StageIsSkipped if checker.approved => {
                given.iter_mut().filter(|_| lacks(&3)).for_each(|(target, _)| *target = 3);
            }
            Self::StraysAreForgotten => given.retain(|(target, number)| {
                let is_unproven = matches!(present[target].proof, Proof::Unproven { .. });
                !is_back(*number) || checker.halted || !is_unproven
            }),
            _ => {}
        }
    }
}
