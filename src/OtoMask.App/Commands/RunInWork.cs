using OtoMask.Pretraining;
using OtoMask.Torch;

namespace OtoMask.App.Commands;

/// <summary>What becomes of a run folder while a command trains in it, whatever it trains and however that ends.</summary>
/// <param name="folder">The run.</param>
/// <param name="verb">The command, for messages that say how to go on.</param>
internal sealed class RunInWork(RunFolder folder, string verb)
{
    /// <summary>Shows <paramref name="work"/>, then what it has to tell at the end.</summary>
    /// <returns>The exit code.</returns>
    public static int Show(Func<PretrainDisplay, string> work, CancellationToken cancellation)
    {
        Terminal.Tell(PretrainDisplay.Show(work));
        cancellation.ThrowIfCancellationRequested();
        return 0;
    }

    /// <summary>Makes the folder of a new run and trains in it; where that fails before the first checkpoint, it goes again.</summary>
    public string Begin(Func<string> train)
    {
        folder.Create();
        try
        {
            return Train(train);
        }
        catch when (folder.Checkpoints.Count == 0)
        {
            folder.Discard();
            throw;
        }
    }

    /// <summary>Keeps others out of the folder of a run that is to go on.</summary>
    /// <exception cref="UserErrorException">It holds no checkpoint, another process trains in it, or it cannot be written.</exception>
    /// <exception cref="IOException">The disk has no room for another checkpoint.</exception>
    public void Open()
    {
        _ = folder.LatestCheckpoint; // says so where there is none
        folder.Occupy();
        folder.RequireWritable();
    }

    /// <summary>Refuses to go on otherwise than a checkpoint was trained, unless that is forced.</summary>
    public static Action<IReadOnlyList<ConfigChange>> Accept(string checkpoint, bool force) => changes =>
    {
        if (!force)
            throw new UserErrorException(
                $"{checkpoint} was trained otherwise: {string.Join(", ", changes)}. To go on as it was, leave that out or put the data back; to go on with what is new, add --force");
    };

    /// <summary>What a report says of the machine.</summary>
    public static IReadOnlyList<(string Name, string Value)> Environment(string device) =>
        [("libtorch", TorchRuntime.Describe().Split('\n')[0]), ("threads", $"{TorchRuntime.Threads}"), ("device", device)];

    /// <summary>Trains; where disk or data fail, the message says what is safe and how to go on.</summary>
    public string Train(Func<string> train)
    {
        try
        {
            return train();
        }
        catch (IOException error) when (folder.Checkpoints is [.., var last])
        {
            throw new IOException($"{error.Message.TrimEnd('.')}; the last good checkpoint is {last}, go on from it with: otomask {verb} --resume {folder.Path}", error);
        }
    }
}
