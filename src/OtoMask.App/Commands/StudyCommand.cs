using System.CommandLine;
using OtoMask.App.Study;
using OtoMask.Corpora;
using OtoMask.Studies;

namespace OtoMask.App.Commands;

/// <summary><c>otomask study STUDY.yaml [--out DIR]</c>: pre-trains and probes a whole grid, and says what differs and how sure that is.</summary>
internal static class StudyCommand
{
    public static Command Create()
    {
        Argument<string> file = new("STUDY.yaml") { Description = "What to compare; configs/study-mini.yaml is an example." };
        Option<string?> output = new("--out") { Description = "Folder of the study; by default named like the file. An existing one is gone on with.", HelpName = "DIR" };
        Option<string> data = new("--data-dir") { Description = "Where assembled audio is kept.", DefaultValueFactory = _ => TaskAssembler.DefaultRoot, HelpName = "DIR" };
        Command command = new("study", "Compare masking strategies: pre-train frameworks x strategies x seeds, probe every task, report differences with their intervals.") { file, output, data };
        command.SetAction((line, cancellation) =>
        {
            string path = line.GetRequiredValue(file);
            StudyConfig config = StudyFile.Read(path);
            var folder = new StudyFolder(line.GetValue(output) ?? Path.GetFileNameWithoutExtension(path));
            Run(config, path, folder, line.GetRequiredValue(data), cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(StudyConfig config, string file, StudyFolder folder, string dataFolder, CancellationToken cancellation)
    {
        StudyPlan plan = StudyData.Resolve(config, dataFolder, Path.GetDirectoryName(Path.GetFullPath(file))!);
        Directory.CreateDirectory(folder.Path);
        AtomicFile.WriteAllText(folder.Config, File.ReadAllText(file));
        try
        {
            StudyDisplay.Show(display => new StudyRunner(plan, folder, new BenchedCosts(), display).Run(cancellation));
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("what is done stays; the same command goes on from there");
            throw;
        }
    }
}
