using OtoMask.Configuration;

namespace OtoMask.Runs;

/// <summary>What a run says and refuses when it goes on from a checkpoint, whatever it trains.</summary>
/// <param name="checkpoint">The file.</param>
/// <param name="step">Steps that it has done.</param>
internal sealed class Resumption(string checkpoint, long step)
{
    /// <summary>Refuses to go on otherwise than a checkpoint was trained.</summary>
    /// <exception cref="UserErrorException">Always.</exception>
    public static void Refuse(string checkpoint, IReadOnlyList<ConfigChange> changes) =>
        throw new UserErrorException($"{checkpoint} was trained otherwise: {string.Join(", ", changes)}. To go on as it was, leave that out or put the data back");

    /// <summary>Tells what is otherwise from now on.</summary>
    /// <param name="changes">What has changed.</param>
    /// <param name="program">The program that wrote the checkpoint; empty where it does not tell.</param>
    /// <param name="observer">Is told.</param>
    /// <returns>What of it the rows of changes in the log do not tell.</returns>
    public IReadOnlyList<string> Tell(IReadOnlyList<ConfigChange> changes, string program, ITrainingObserver observer)
    {
        if (changes.Count > 0)
            observer.Warning($"from step {step} on the run is another: {string.Join(", ", changes)}");
        if (program.Length == 0 || program == ProgramVersion.Current)
            return [];
        string other = $"{checkpoint} was written by {ProgramVersion.NameOf(program)}, this is {ProgramVersion.Current}: what follows may differ in the last bits";
        observer.Warning(other);
        return [other];
    }

    /// <summary>Refuses a run that would be shorter than what is done of it.</summary>
    /// <exception cref="UserErrorException">It would.</exception>
    public void RequireAtMost(long totalSteps)
    {
        if (step > totalSteps)
            throw new UserErrorException($"{checkpoint} has done {step} steps, more than the {totalSteps} that the run is to have now; give it more");
    }
}
