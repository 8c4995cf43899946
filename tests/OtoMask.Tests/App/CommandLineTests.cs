using System.CommandLine;
using OtoMask.App;
using OtoMask.Torch;

namespace OtoMask.Tests.App;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData]
    [InlineData("--help")]
    public void TheHelpNamesEveryVerb(params string[] arguments)
    {
        AppResult result = AppProcess.Run(arguments);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.All(CommandLine.Create().Subcommands, verb => Assert.Contains($"  {verb.Name}", result.Output));
    }

    [Fact]
    public void TheVersionIsANumber() => Assert.Matches(@"^\d+\.\d+\.\d+\S*\n$", AppProcess.Run("--version").Output);

    [Fact]
    public void EveryVerbAndOptionIsDescribed()
    {
        foreach (Command verb in CommandLine.Create().Subcommands)
        {
            Assert.False(string.IsNullOrWhiteSpace(verb.Description), verb.Name);
            Assert.All(verb.Options, option => Assert.False(string.IsNullOrWhiteSpace(option.Description), $"{verb.Name} {option.Name}"));
        }
    }

    [Theory]
    [InlineData("pret", "pretrain\n")]
    [InlineData("pretrain --hint-p", "--hint-power\n")]
    [InlineData("pretrain --framework m2", "m2d\n")]
    public void AShellIsToldHowALineMayGoOn(string line, string ends) =>
        Assert.Equal((0, ends, ""), AppProcess.Run($"[suggest:{line.Length}]", line) is var told ? (told.ExitCode, told.Output, told.Error) : default);

    [Fact]
    public void AnUnknownVerbNamesTheNearest() => AppProcess.Run("doctro").AssertUserError("'doctro'", "did you mean doctor?");

    [Fact]
    public void AnUnknownVerbIsNamedBeforeItsOptions()
    {
        AppProcess.Run("pretrian", "--data", "x").AssertUserError("'pretrian'", "did you mean pretrain?");
        AppProcess.Run("bench", "trian", "--steps", "3").AssertUserError("'trian'", "did you mean train?");
    }

    [Fact]
    public void AnUnknownOptionNamesTheNearest() => AppProcess.Run("doctor", "--cahce", "x").AssertUserError("'--cahce'", "did you mean --cache?");

    [Theory]
    [InlineData("embed", "--zz")]
    [InlineData("probe", "-x", "run")]
    [InlineData("finetune", "--gradients", "bf16")]
    [InlineData("logmel", "a.wav", "--out", "--foo")]
    public void AnOptionIsNoArgument(params string[] arguments)
    {
        AppResult result = AppProcess.Run(arguments);
        result.AssertUserError($"unknown option '{arguments.First(argument => argument.StartsWith('-') && argument != "--out")}' (");
        Assert.DoesNotContain("did you mean", result.Error);
    }

    [Fact]
    public void AfterTwoDashesAnythingIsAnArgument() => AppProcess.Run("logmel", "--out", "a.npy", "--", "--no such.wav").AssertUserError("cannot read --no such.wav: there is no such file");

    /// <summary>An option that would be taken, recorded and ignored.</summary>
    [Theory]
    [InlineData("--size has no effect", "pretrain", "--data", ".", "--out", "x", "--encoder", "16/1/2", "--decoder", "16/1/2", "--size", "base")]
    [InlineData("unknown size 'huge'", "pretrain", "--data", ".", "--out", "x", "--encoder", "16/1/2", "--decoder", "16/1/2", "--size", "huge")]
    [InlineData("--hint-power has no effect", "pretrain", "--data", ".", "--out", "x", "--mask", "random", "--hint-power", "2")]
    [InlineData("--minutes are 3 ways to give one length: choose one", "pretrain", "--data", ".", "--out", "x", "--epochs", "2", "--minutes", "2")]
    [InlineData("--heads has no effect", "finetune", "--resume", "x", "--heads", "2")]
    [InlineData("--size has no effect", "bench", "train", "--encoder", "16/1/2", "--decoder", "16/1/2", "--size", "tiny")]
    [InlineData("--precision has no effect", "bench", "masks", "--mask", "dwm", "--precision", "bf16")]
    [InlineData("drums has no effect", "data", "fetch", "drums", "--all")]
    public void AnOptionThatHasNoEffectIsRefused(string message, params string[] arguments) => AppProcess.Run(arguments).AssertUserError(message);

    [Fact]
    public void AMissingOptionIsNamed() => AppProcess.Run("logmel", "a.wav").AssertUserError("--out");

    [Fact]
    public void AWordWhereANumberBelongsIsNamedWithoutTypes()
    {
        AppResult result = AppProcess.Run("logmel", "a.wav", "--out", "a.npy", "--sample-rate", "high");
        result.AssertUserError("'high'", "--sample-rate", "whole number");
        Assert.DoesNotContain("System.", result.Error);
    }

    [Fact]
    public void AMissingFileIsAUserError() => AppProcess.Run("logmel", "no such file.wav", "--out", "a.npy").AssertUserError("no such file.wav");

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void ASignalEndsWithItsOwnCode(string signal, int code)
    {
        using AppProcess app = AppProcess.Start("bench", "masks", "--seconds", "1000");
        app.WaitForWork(TimeSpan.FromSeconds(1.5)); // of which what comes before it listens for signals is a small part
        app.Signal(signal);
        AppResult result = app.Wait();
        Assert.Equal((code, "otomask: stopped\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public void ExitCodesTellWhoCanMendIt()
    {
        Assert.Equal(2, Failure.ExitCode(new UserErrorException("a folder is missing")));
        Assert.Equal(2, Failure.ExitCode(new UnauthorizedAccessException()));
        Assert.Equal(2, Failure.ExitCode(new FileNotFoundException()));
        Assert.Equal(1, Failure.ExitCode(new IOException("No space left on device")));
        Assert.Equal(1, Failure.ExitCode(new TorchException("out of memory")));
        Assert.Equal(1, Failure.ExitCode(new InvalidOperationException()));
    }
}
