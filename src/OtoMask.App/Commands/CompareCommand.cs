using System.CommandLine;
using OtoMask.App.Reports;
using OtoMask.Weights;

namespace OtoMask.App.Commands;

/// <summary><c>otomask compare RUN... [--probe NUMBERS.json...] --out compare.html</c>: any runs side by side on one page.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        Argument<string[]> runs = new("RUN") { Description = "Run folders of `otomask pretrain`, finished or not.", Arity = ArgumentArity.OneOrMore };
        Option<string[]> probes = new("--probe")
        {
            Description = "Numbers that `otomask probe` wrote, to show beside the curves.",
            AllowMultipleArgumentsPerToken = true,
            HelpName = "NUMBERS.json...",
        };
        Option<string> output = new("--out") { Description = "The page to write.", DefaultValueFactory = _ => "compare.html", HelpName = "FILE.html" };
        Command command = new("compare", "Put runs side by side on one page: what differs in their configurations, their curves, their last numbers.") { runs, probes, output };
        command.SetAction(line =>
        {
            string file = line.GetRequiredValue(output);
            OutputPlace.Require(file, [.. line.GetRequiredValue(runs).SelectMany(SavedModel.FilesAt), .. line.GetValue(probes) ?? []]);
            ComparedRun[] compared = [.. line.GetRequiredValue(runs).Select(ComparedRun.Read)];
            if (compared.GroupBy(run => run.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
                throw new UserErrorException($"{twice.Key} stands there {twice.Count()} times; once is enough");
            ProbeFile[] probed = [.. (line.GetValue(probes) ?? []).Select(ProbeFile.Read)];
            AtomicFile.WriteAllText(file, CompareReport.Build(compared, probed));
            line.InvocationConfiguration.Output.Tell($"{file}: {(compared.Length == 1 ? "1 run" : $"{compared.Length} runs")}; open it in a browser");
        });
        return command;
    }
}
