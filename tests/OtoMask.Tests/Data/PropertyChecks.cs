using FsCheck;

namespace OtoMask.Tests.Data;

internal static class PropertyChecks
{
    /// <summary>Checks a costly property on few cases.</summary>
    public static void QuickCheckThrowOnFailureIn(this Property property, int cases) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(cases), property);
}
