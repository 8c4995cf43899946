using System.CommandLine;
using System.Reflection;
using OtoMask.App.Bench;
using OtoMask.App.Reports;
using OtoMask.App.Study;
using OtoMask.Corpora;
using OtoMask.Studies;
using OtoMask.Studies.Masks;
using OtoMask.Studies.Results;
using OtoMask.Torch;

namespace OtoMask.App.Commands;

/// <summary><c>otomask study STUDY.yaml [--out DIR]</c>: pre-trains and probes a whole grid, and says what differs and how sure that is.</summary>
internal static class StudyCommand
{
    private const string Printed = "-";

    public static Command Create()
    {
        Argument<string> file = new("STUDY.yaml") { Description = "What to compare; configs/study-mini.yaml is an example." };
        Option<string?> output = new("--out") { Description = "Folder of the study; by default named like the file. An existing one is gone on with.", HelpName = "DIR" };
        Option<string> data = new("--data-dir") { Description = "Where assembled audio is kept.", DefaultValueFactory = _ => TaskAssembler.DefaultRoot, HelpName = "DIR" };
        Option<string?> markdown = new("--markdown") { Description = "File for the answers and all tables in Markdown; - prints them. Also when the study is interrupted.", HelpName = "FILE" };
        Option<string?> latex = new("--latex") { Description = "File for all tables in LaTeX with booktabs; - prints them.", HelpName = "FILE" };
        Option<bool> reportOnly = new("--report-only") { Description = "Train nothing and need no data: write report.html and tables anew from what the folder holds." };
        Option<bool> worker = new("--worker")
        {
            Description = "Share the study with other processes that are started by the same line, here or on machines that share its folder: each takes a run at a time, and ends when all are done.",
        };
        DeviceOption device = new("Where runs are trained and judged, whatever the study says");
        Command command = new("study", "Compare masking strategies: pre-train frameworks x strategies x seeds, probe every task, report differences with their intervals.")
        {
            file, output, data, device, markdown, latex, worker, reportOnly,
        };
        command.SetAction((line, cancellation) =>
        {
            string path = line.GetRequiredValue(file);
            StudyConfig config = StudyFile.Read(path);
            if (line.GetResult(device) is { Implicit: false })
                config = config with { Device = device.Read(line).Name };
            var folder = new StudyFolder(line.GetValue(output) ?? Path.GetFileNameWithoutExtension(path));
            folder.RequireOwn();
            string[] tables = [.. ((string?[])[line.GetValue(markdown), line.GetValue(latex)]).OfType<string>().Where(name => name != Printed)];
            OutputPlace.RequireDifferent([.. folder.Files, .. tables]);
            RequireUnread(tables, [path]);
            void Tell() => Report(folder, line.GetValue(markdown), line.GetValue(latex));
            if (line.GetValue(reportOnly) && line.GetResult(data) is { Implicit: false })
                throw new UserErrorException("--data-dir has no effect: --report-only needs no data; leave it out");
            if (line.GetValue(reportOnly) && line.GetValue(worker))
                throw new UserErrorException("--worker has no effect: --report-only trains nothing; leave one of them out");
            if (line.GetValue(reportOnly) && config.Device is not null)
                throw new UserErrorException("--device has no effect: --report-only computes nothing; leave it out");
            if (line.GetValue(reportOnly))
                Tell();
            else
                Run(config, path, folder, line.GetValue(worker), line.GetRequiredValue(data), tables, Tell, cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static string Version => typeof(StudyCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    private static void Run(StudyConfig config, string file, StudyFolder folder, bool isWorker, string dataFolder, string[] tables, Action tell, CancellationToken cancellation)
    {
        string study = InputFile.ReadText(file, InputFile.LargestTable);
        using StudyHold? place = isWorker ? folder.Join(study) : null;
        StudyPlan plan;
        using (place?.Turn(Terminal.Tell, cancellation)) // of several workers the first assembles the data
            plan = StudyData.Resolve(config, dataFolder, Path.GetDirectoryName(Path.GetFullPath(file))!, cancellation);
        RequireUnread(tables, plan.Inputs);
        using StudyHold hold = place ?? folder.Occupy();
        using (hold.Turn(Terminal.Tell, cancellation))
        {
            StudyRunner.RequireOwnScores(plan, folder);
            AtomicFile.WriteAllText(folder.Config, study);
            StudyProvenance.Note(folder, plan, Version, $"{ProcessStatus.Processor}, {TorchRuntime.Threads} threads, {TorchRuntime.Describe().Split('\n')[0]}, kernels {TorchRuntime.Kernels.Name()}");
        }
        void Conclude()
        {
            using (hold.Turn(Terminal.Tell))
                tell();
        }

        try
        {
            StudyDisplay.Show(display =>
            {
                SurveyMasks(plan, folder, hold, display, cancellation); // so that the page of a study that is stopped has them, too
                new StudyRunner(plan, folder, new BenchedCosts(), display) { Hold = hold }.Run(cancellation);
                SurveyMasks(plan, folder, hold, display, cancellation);
            });
        }
        catch (OperationCanceledException)
        {
            Conclude();
            Terminal.Tell("what is done stays; the same command goes on from there");
            throw;
        }
        Conclude();
    }

    private static void RequireUnread(string[] tables, IEnumerable<string> inputs)
    {
        foreach (string table in tables)
            OutputPlace.Require(table, inputs);
    }

    /// <summary>Scores are not lost because a checkpoint cannot be read any more: then the page goes without new masks.</summary>
    private static void SurveyMasks(StudyPlan plan, StudyFolder folder, StudyHold hold, StudyDisplay display, CancellationToken cancellation)
    {
        using IDisposable? turn = hold.Turn(display.Stage, cancellation);
        display.Stage("looking where masks fall");
        try
        {
            MaskSurvey.Of(plan, folder, cancellation);
        }
        catch (UserErrorException error)
        {
            display.Warning($"no masks are shown: {error.Message}");
        }
    }

    /// <summary>What the folder says so far: the page, the tables that were asked for, the answers.</summary>
    private static void Report(StudyFolder folder, string? markdown, string? latex)
    {
        StudyContents study = StudyContents.Read(folder);
        AtomicFile.WriteAllText(folder.Report, StudyReport.Build(study));
        Write(markdown, StudyTables.Markdown(study.Results));
        Write(latex, StudyTables.Latex(study.Results));
        foreach (FrameworkVerdict verdict in StudyVerdict.Of(study.Results))
        {
            Terminal.Tell(verdict.Answer);
            Terminal.Tell(verdict.Floor);
        }
        Terminal.Tell($"{folder.Report}: open it in a browser");
    }

    private static void Write(string? path, string tables)
    {
        if (path == Printed)
            Console.Out.TellLines(tables);
        else if (path is not null)
            AtomicFile.WriteAllText(path, tables);
    }
}
