using System.CommandLine;
using OtoMask.Corpora;

namespace OtoMask.App.Commands;

/// <summary><c>otomask data list</c>, <c>fetch</c>, <c>describe</c> and <c>import</c>: labelled tasks, and audio to pre-train on.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Get labelled tasks to judge encoders by, and audio to pre-train on.")
    {
        List(), Fetch(), Describe(), DataImportCommand.Create(),
    };

    private static Command List()
    {
        Option<string> folder = DataFolder();
        Command command = new("list", "Show the tasks, what each still has to download, and whether it is assembled.") { folder };
        command.SetAction((line, cancellation) =>
        {
            DataList.Show(line.GetRequiredValue(folder), cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static Command Fetch()
    {
        Argument<string[]> names = new("NAME") { Description = "Tasks, as `otomask data list` names them.", Arity = ArgumentArity.ZeroOrMore };
        Option<bool> all = new("--all") { Description = $"Every task, {string.Join(" and ", KnownPool.All.Select(pool => pool.Name))}." };
        Option<string> folder = DataFolder();
        Command command = new("fetch", "Assemble tasks from Debian packages; neither root nor an installation is needed.") { names, all, folder };
        command.SetAction((line, cancellation) =>
        {
            string[] named = line.GetValue(names) ?? [];
            if (named.Length == 0 && !line.GetValue(all))
                throw new UserErrorException("name the tasks to fetch, or take --all (otomask data list shows them)");
            if (named.Length > 0 && line.GetValue(all))
                throw new UserErrorException($"{named[0]} has no effect beside --all: choose one");
            DataFetch.Run(line.GetValue(all) ? DataSelection.All : DataSelection.Of(named), line.GetRequiredValue(folder), cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static Command Describe()
    {
        Argument<string> name = new("NAME") { Description = "A task, as `otomask data list` names it." };
        Option<string> folder = DataFolder();
        Command command = new("describe", "Show what a task holds, how it is split, and where it comes from.") { name, folder };
        command.SetAction((line, cancellation) =>
        {
            DataSelection chosen = DataSelection.Of([line.GetRequiredValue(name)]);
            var description = new DataDescription(line.GetRequiredValue(folder), cancellation);
            if (chosen.Pools is [var pool])
                description.Show(pool);
            else
                description.Show(chosen.Tasks[0]);
            return Task.CompletedTask;
        });
        return command;
    }

    private static Option<string> DataFolder() => new("--data-dir")
    {
        Description = "Where assembled audio is kept.",
        DefaultValueFactory = _ => TaskAssembler.DefaultRoot,
        HelpName = "DIR",
    };
}
