namespace OtoMask.Pretraining;

/// <summary>Warns when the representation collapses: RankMe falls towards 1 and CEV-AUC rises towards 1 while the loss looks fine (METHOD section 9).</summary>
internal sealed class HealthAlarm(ITrainingObserver observer)
{
    private const double SmallestShareOfRank = 0.1, LargestCevAuc = 0.99;
    private double? firstRank;

    public void Look(EvaluationRecord evaluation)
    {
        if (evaluation.Metric == "rankme")
        {
            firstRank ??= evaluation.Value;
            if (evaluation.Value < SmallestShareOfRank * firstRank)
                Warn($"RankMe fell from {firstRank:F1} to {evaluation.Value:F1}");
        }
        else if (evaluation.Metric == "cev_auc" && evaluation.Value > LargestCevAuc)
        {
            Warn($"CEV-AUC rose to {evaluation.Value:F3}");
        }

        void Warn(string what) => observer.Warning(
            $"the representation is collapsing after {evaluation.Epoch} epochs: {what}. Try a smaller --base-lr, a larger --ema-start (m2d), or --framework msm-mae");
    }
}
