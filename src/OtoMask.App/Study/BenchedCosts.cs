using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using OtoMask.Configuration;
using OtoMask.Masking;
using OtoMask.Studies;

namespace OtoMask.App.Study;

/// <summary>Costs of arms as <c>otomask bench train</c> measures them, each time in a process of its own, so that its memory is its own too.</summary>
internal sealed class BenchedCosts : IStudyCosts
{
    private const int Steps = 20;

    public StudyCost Measure(StudyCell cell, CancellationToken cancellation)
    {
        JsonObject result = JsonNode.Parse(Run(cell.Config, cancellation))!.AsObject();
        double Number(string key) => result[key]!.GetValue<double>();
        return new StudyCost(
            cell.Framework, cell.Arm, Number("step_ms"), result["phase_ms"]!["mask"]!.GetValue<double>(),
            KnownMaskings.Find(cell.Config.Mask).CreateDataStrategy() is null, Number("clips_per_second"),
            Math.Round(Number("gflop_per_step") / cell.Config.Batch, 4), (long)(result["peak_device_mb"]?.GetValue<double>() ?? Number("peak_rss_mb")));
    }

    private static string Run(PretrainingConfig config, CancellationToken cancellation)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, Arguments(config)) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        using CancellationTokenRegistration kill = cancellation.Register(process.Kill);
        Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"`otomask bench train` with mask {config.Mask} ended with {process.ExitCode}: {errors.Result.Trim()}");
    }

    private static IEnumerable<string> Arguments(PretrainingConfig config)
    {
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            yield return Environment.GetCommandLineArgs()[0];
        foreach (string word in (string[])["bench", "train", "--json", "--steps", Steps.ToString(CultureInfo.InvariantCulture)])
            yield return word;
        foreach (string name in Commands.BenchCommand.TrainKeys)
        {
            ConfigKey<PretrainingConfig> key = ConfigKeys.Find(name);
            if (key.Get(config) is not { } value || key.Idle(config) is not null)
                continue;
            yield return $"--{name}";
            yield return value;
        }
    }
}
