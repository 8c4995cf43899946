namespace OtoMask.App.Reports;

/// <summary>What pages call the metrics of a log: <c>knn/drums</c> is the member drums of the family k-NN accuracy.</summary>
internal static class MetricNames
{
    /// <summary>The part before the slash, or all.</summary>
    public static string FamilyOf(string metric) => metric.Split('/', 2)[0];

    /// <summary>The part after the slash, or the title.</summary>
    public static string MemberOf(string metric) => metric.Contains('/') ? metric.Split('/', 2)[1] : TitleOf(metric);

    /// <summary>A family as readers know it.</summary>
    public static string TitleOf(string family) => family.ToLowerInvariant() switch
    {
        "rankme" => "RankMe",
        "cev_auc" => "CEV-AUC",
        "knn" => "k-NN accuracy",
        "valid_loss" => "Validation loss",
        _ => family,
    };

    /// <summary>Family and member, for example <c>k-NN accuracy, drums</c>.</summary>
    public static string FullTitleOf(string metric)
    {
        string family = TitleOf(FamilyOf(metric));
        return metric.Contains('/') ? $"{family}, {MemberOf(metric)}" : family;
    }
}
