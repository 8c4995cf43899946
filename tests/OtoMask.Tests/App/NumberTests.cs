using System.CommandLine;
using System.Reflection;
using OtoMask.App.Commands;
using OtoMask.Configuration;
using OtoMask.FineTuning;
using AppCommandLine = OtoMask.App.CommandLine;

namespace OtoMask.Tests.App;

/// <summary>Numbers at their ends: every value of a configuration and every option that takes a number says its range and refuses what lies outside in one line.</summary>
[Collection(NoTensorLeaksAttribute.Collection)] // makes models
public sealed class NumberTests : IDisposable
{
    // Their values are not of one stretch, and what reads them says which there are.
    private static readonly string[] NotRanges = ["seed", "sample-rate", "fold", "encoder", "decoder"];
    private static readonly string[] Ends = ["0", "-1", "1e9", "1000000000", "2147483647", "2147483648", "-2147483648", "NaN", "inf", "Infinity", "-Infinity", "1e308", "1e999", "5e-324", "", " "];
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_key_of_pre_training_that_takes_a_number_has_a_range() =>
        Walk(ConfigKeys.All, new PretrainingConfig { Data = "x" }, config => config.Validate());

    [Fact]
    public void Every_key_of_fine_tuning_that_takes_a_number_has_a_range() =>
        Walk(FineTuningKeys.All, new FineTuningConfig { Checkpoint = "x", Task = "y", Optimizer = OptimizerKind.AdamW }, config => config.Validate());

    [Fact]
    public void Every_option_that_takes_a_number_has_a_range()
    {
        RootCommand root = AppCommandLine.Create();
        (Command Verb, Option Option)[] numbers = [.. AllOf(root).SelectMany(verb => verb.Options, (verb, option) => (verb, option)).Where(pair => IsNumber(pair.option))];
        Assert.Equal([], numbers.Where(pair => !IsRanged(pair.Option) && pair.Option.Name is not ("--sample-rate" or "--seed")).Select(pair => $"{pair.Verb.Name} {pair.Option.Name}"));
        foreach ((Command verb, Option option) in numbers.Where(pair => IsRanged(pair.Option)))
        {
            foreach (string end in Ends)
            {
                ParseResult line = verb.Parse([option.Name, end]);
                if (line.GetResult(option)!.Errors.Any())
                    continue; // no number at all: the command line itself is refused
                OneLineOf(option.Name, () => Read(option, line));
            }
        }
    }

    [Theory]
    [InlineData("epochs", "400000000"), InlineData("min-clips", "2147483647"), InlineData("accumulate", "2147483647")]
    [InlineData("workers", "2147483647"), InlineData("workers", "100000"), InlineData("batch", "1000000000")]
    [InlineData("encoder", "2147483644/1/1"), InlineData("decoder", "4/2147483647/1")]
    [InlineData("input", "80x1048576"), InlineData("input-seconds", "1e308"), InlineData("stop-at", "0"), InlineData("minutes", "1e308")]
    public void A_run_is_refused_before_it_begins(string key, string value)
    {
        string audio = folder.Audio();
        AppProcess.Run(["pretrain", "--data", audio, "--out", folder.Inside("run"), "--mask", "random", $"--{key}", value]).AssertUserError(key.Split('-')[0]);
        Assert.False(Directory.Exists(folder.Inside("run")));
    }

    [Fact]
    public void So_are_the_other_commands()
    {
        string audio = folder.Audio(clips: 2), clip = Path.Combine(audio, "clip00.wav"), model = Fixture.Path("m2d_vit_base-80x96p16x16p16k-fixture");
        string task = folder.Text("task.csv", "file_name,label,split\naudio/clip00.wav,x,train\naudio/clip01.wav,y,test\n");
        AppProcess.Run("prepare", audio, "--out", folder.Inside("cache"), "--workers", "100000").AssertUserError("--workers 100000", "from 0 to 256");
        AppProcess.Run("embed", model, audio, "--out", folder.Inside("x.npy"), "--workers", "-1").AssertUserError("--workers -1");
        AppProcess.Run("embed", model, audio, "--out", folder.Inside("x.npy"), "--heads", "2147483647").AssertUserError("--heads 2147483647");
        AppProcess.Run("probe", "--encoder", "random", "--task", task, "--seconds", "inf").AssertUserError("--seconds");
        AppProcess.Run("masks", clip, "--out", folder.Inside("x.html"), "--seconds", "NaN").AssertUserError("--seconds NaN");
        AppProcess.Run("bench", "train", "--steps", "2147483647").AssertUserError("--steps 2147483647");
        AppProcess.Run("bench", "logmel", "--seconds", "1e308").AssertUserError("--seconds");
        AppProcess.Run("finetune", model, "--task", task, "--out", folder.Inside("run"), "--epochs", "16777215").AssertUserError("epochs 16777215");
    }

    [Theory]
    [InlineData("--epochs", "1000000"), InlineData("--steps", "1000000000"), InlineData("--minutes", "1000000"), InlineData("--checkpoint-every", "1000000")]
    [InlineData("--workers", "256"), InlineData("--keep-last", "1000000"), InlineData("--keep-every", "1000000"), InlineData("--clip", "1e30"), InlineData("--accumulate", "4096")]
    public void The_largest_numbers_are_taken_or_refused(string option, string value)
    {
        string[] length = option is "--steps" or "--minutes" ? [.. AppFolder.TinyRun.Where(word => word is not ("--epochs" or "2"))] : AppFolder.TinyRun;
        AppResult result = AppProcess.Run(["pretrain", "--data", folder.Audio(), "--out", folder.Inside("run"), "--stop-at", "1", .. length, option, value]);
        Assert.True(result.ExitCode is 0 or 2, result.Error);
        Assert.InRange(result.Error.Split('\n').Length, 1, 2);
    }

    private static void Walk<TConfig>(IReadOnlyList<ConfigKey<TConfig>> keys, TConfig config, Action<TConfig> validate)
    {
        ConfigKey<TConfig>[] numbers = [.. keys.Where(key => IsNumber(key, config) && !NotRanges.Contains(key.Name))];
        Assert.Equal([], numbers.Where(key => key.Range is null).Select(key => key.Name));
        Assert.InRange(numbers.Length, 10, keys.Count);
        foreach (ConfigKey<TConfig> key in numbers)
        {
            foreach (string end in Ends)
                OneLineOf(key.Name, () => validate(key.Set(config, end)));
            Assert.Throws<UserErrorException>(() => key.Set(config, "-1"));
        }
    }

    private static bool IsNumber<TConfig>(ConfigKey<TConfig> key, TConfig config)
    {
        try
        {
            key.Set(config, "no number");
            return false;
        }
        catch (UserErrorException error)
        {
            return error.Message.Contains("is no number", StringComparison.Ordinal) || error.Message.Contains("is no whole number", StringComparison.Ordinal);
        }
    }

    /// <summary>Nothing is thrown, or one line that names what is wrong.</summary>
    private static void OneLineOf(string name, Action act)
    {
        try
        {
            act();
        }
        catch (UserErrorException error)
        {
            Assert.Contains(name.Split('-')[^1], error.Message); // "mask dwm at ratio ..." names mask-ratio, too
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    private static IEnumerable<Command> AllOf(Command command) => command.Subcommands.SelectMany(AllOf).Prepend(command);

    private static bool IsNumber(Option option) =>
        (Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType) is { IsEnum: false } type && Type.GetTypeCode(type) is >= TypeCode.SByte and <= TypeCode.Decimal;

    private static bool IsRanged(Option option) => option.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(NumberOption<>);

    private static void Read(Option option, ParseResult line)
    {
        try
        {
            option.GetType().GetMethod(nameof(NumberOption<>.Read))!.Invoke(option, [line]);
        }
        catch (TargetInvocationException error) when (error.InnerException is UserErrorException refused)
        {
            throw refused;
        }
    }
}
