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

    [Fact]
    public void AnUnknownVerbNamesTheNearest() => AppProcess.Run("doctro").AssertUserError("'doctro'", "did you mean doctor?");

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
