namespace OtoMask.Runs;

/// <summary>Warns when the representation collapses: RankMe falls towards 1 and CEV-AUC rises towards 1 while the loss looks fine (docs/method.md section 9).</summary>
/// <param name="observer">Is warned.</param>
/// <param name="firstRank">RankMe as the run began, where it goes on; null at its beginning.</param>
internal sealed class HealthAlarm(ITrainingObserver observer, double? firstRank)
{
    /// <summary>The metric whose fall is told against its first value.</summary>
    public const string RankMe = "rankme";

    private const double SmallestShareOfRank = 0.1, LargestCevAuc = 0.99, Collapsed = 1;
    private double? firstRank = firstRank;

    /// <summary>Warns where one more value tells of collapse.</summary>
    public void Look(EvaluationRecord evaluation)
    {
        if (evaluation.Metric == RankMe)
        {
            firstRank ??= evaluation.Value;
            if (evaluation.Value - Collapsed < SmallestShareOfRank * (firstRank - Collapsed))
                Warn($"RankMe fell from {firstRank:F1} to {evaluation.Value:F1}");
        }
        else if (evaluation.Metric == "cev_auc" && evaluation.Value > LargestCevAuc)
        {
            Warn($"CEV-AUC rose to {evaluation.Value:F3}");
        }

        void Warn(string what) => observer.Warning(
            $"the representation is collapsing after {evaluation.Epoch} epochs: {what}. Try a smaller `base-lr`, a larger `ema-start` (m2d), or `framework` msm-mae");
    }
}
