using System.Diagnostics;
using System.Runtime.Versioning;
using OtoMask.Interop;
using OtoMask.Runs;
using OtoMask.Weights;

namespace OtoMask.Tests.App;

/// <summary>What a user can get wrong: exit code 2 and one line that names the thing. What the machine gets wrong: exit code 1.</summary>
[SupportedOSPlatform("linux")]
public sealed class BadInputTests : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_missing_folder_is_named()
    {
        string missing = folder.Inside("nowhere");
        Refused(Pretrain(missing), 2, missing);
        Refused(AppProcess.Run("prepare", missing, "--out", folder.Inside("cache")), 2, missing);
        Refused(AppProcess.Run("pretrain", "--resume", missing), 2, missing);
        Refused(AppProcess.Run("probe", missing, "--task", folder.Text("task.csv", "file_name,label,split\na.wav,x,train\nb.wav,y,test\n")), 2, missing);
        NothingLeft();
    }

    [Fact]
    public void An_input_that_no_memory_holds_is_refused_before_the_work()
    {
        string audio = folder.Audio();
        string[] huge = ["--input", "80x96000", "--size", "large", "--batch", "256"];
        Refused(AppProcess.Run(["pretrain", "--data", audio, "--out", folder.Inside("run"), .. huge]), 2, "256 clips of 80x96000", "lower batch");
        Refused(AppProcess.Run(["bench", "train", .. huge]), 2, "256 clips of 80x96000", "lower batch");
        NothingLeft();
    }

    [Fact]
    public void An_empty_folder_is_named()
    {
        string empty = Directory.CreateDirectory(folder.Inside("empty")).FullName;
        Refused(Pretrain(empty), 2, empty);
        Refused(AppProcess.Run("prepare", empty, "--out", folder.Inside("cache")), 2, empty);
        NothingLeft();
    }

    [Theory]
    [InlineData("text")]
    [InlineData("zero-length")]
    [InlineData("NaN")]
    public void A_file_without_sound_given_alone_is_named(string kind)
    {
        Directory.CreateDirectory(folder.Inside("audio"));
        string broken = folder.Broken(kind, "audio/broken.wav");
        Refused(AppProcess.Run("logmel", broken, "--out", folder.Inside("x.npy")), 2, broken);
        Refused(AppProcess.Run("masks", broken, "--out", folder.Inside("gallery.html")), 2, broken);
        Refused(Pretrain(folder.Inside("audio")), 2, "broken.wav");
        Refused(AppProcess.Run("prepare", folder.Inside("audio"), "--out", folder.Inside("cache")), 2, "broken.wav");
        NothingLeft();
    }

    [Fact]
    public void An_array_where_sound_is_needed_is_named_with_the_commands_that_take_it()
    {
        string array = folder.Inside("log-mel.npy");
        NpyFile.Write(array, new float[80 * 20], 80, 20);
        string[] told = [array, "it is a NumPy array, and sound is needed here", "pretrain, prepare and embed"];
        Refused(AppProcess.Run("logmel", array, "--out", folder.Inside("x.npy")), 2, told);
        Refused(AppProcess.Run("masks", array, "--out", folder.Inside("gallery.html")), 2, told);
        File.Move(array, Path.ChangeExtension(array, "wav"));
        Refused(AppProcess.Run("logmel", Path.ChangeExtension(array, "wav"), "--out", folder.Inside("x.npy")), 2, told[1..]);
    }

    [Fact]
    public void A_wrong_column_is_named()
    {
        string csv = folder.Text("clips.csv", "filename\nclip.wav\n");
        Refused(Pretrain(csv), 2, csv, "file_name");
        string task = folder.Text("task.csv", "file_name,labels,split\nclip.wav,x,train\n");
        Refused(AppProcess.Run("probe", "--encoder", "random", "--task", task), 2, task, "label");
        Refused(Pretrain(folder.Audio(), "--task", task), 2, task, "label");
        NothingLeft();
    }

    [Fact]
    public void A_wrong_configuration_is_named()
    {
        string audio = folder.Audio();
        string config = folder.Text("run.yaml", "framework: m2d\nmask-ration: 0.7\n");
        Refused(Pretrain(audio, "--config", config), 2, config, "line 2", "'mask-ration'", "did you mean mask-ratio?");
        Refused(Pretrain(audio, "--mask-ratio", "0"), 2, "mask-ratio 0");
        Refused(Pretrain(audio, "--mask-ratio", "1"), 2, "mask-ratio 1");
        Refused(Pretrain(audio, "--patch", "96x16"), 2, "96x16", "larger than the input");
        Refused(Pretrain(audio, "--mask", "dmw"), 2, "dmw", "did you mean dwm");
        Refused(Pretrain(audio, "--device", "cuda:7"), 2, "cuda:7");
        NothingLeft();
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_named_before_the_work_begins()
    {
        string audio = folder.Audio(), file = folder.Text("file", "in the way");
        foreach (string place in (string[])[Path.Combine(file, "x"), "/proc/otomask-x"])
        {
            AppResult run = AppProcess.Run(["pretrain", "--data", audio, "--out", place, .. AppFolder.TinyRun]);
            Refused(run, 2, place);
            Assert.Equal("", run.Output);
            Refused(AppProcess.Run("prepare", audio, "--out", place), 2, place);
            Refused(AppProcess.Run("logmel", Path.Combine(audio, "clip00.wav"), "--out", place), 2, place);
            Refused(AppProcess.Run("masks", Path.Combine(audio, "clip00.wav"), "--out", place), 2, place);
        }
        Assert.Equal("in the way", File.ReadAllText(file));
    }

    [UnprivilegedFact]
    public void Missing_permissions_are_named()
    {
        string audio = folder.Audio(), secret = Path.Combine(audio, "clip00.wav");
        string locked = Directory.CreateDirectory(folder.Inside("locked")).FullName;
        foreach (string path in (string[])[folder.Path, audio])
            File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(secret, UnixFileMode.None);
        File.SetUnixFileMode(locked, UnixFileMode.None);
        Refused(UnprivilegedFactAttribute.Run("logmel", secret, "--out", "/dev/null"), 2, secret);
        Refused(UnprivilegedFactAttribute.Run("prepare", locked, "--out", folder.Inside("cache")), 2, locked, "permission");
        Refused(UnprivilegedFactAttribute.Run(["pretrain", "--data", audio, "--out", folder.Inside("run"), .. AppFolder.TinyRun]), 2, folder.Inside("run"));
        NothingLeft();
    }

    [SmallDiskFact]
    public void A_full_disk_is_no_mistake_of_the_user_and_leaves_nothing_half_written()
    {
        string audio = folder.Audio(), disk = Directory.CreateDirectory(folder.Inside("disk")).FullName;
        string clip = Path.Combine(audio, "clip00.wav");
        AppResult Full(params string[] arguments)
        {
            AppResult result = SmallDiskFactAttribute.Run(disk, kilobytes: 12, arguments);
            Refused(result, 1, disk);
            Assert.EndsWith("left behind: \n", result.Output);
            return result;
        }
        Full("masks", clip, "--out", Path.Combine(disk, "gallery.html"));
        Full(["pretrain", "--data", audio, "--out", Path.Combine(disk, "run"), .. AppFolder.TinyRun]);
    }

    [Fact]
    public void Losses_that_are_not_finite_stop_the_run_and_keep_the_last_good_checkpoint()
    {
        AppResult result = AppProcess.Run(
            ["pretrain", "--data", folder.Audio(), "--out", folder.Inside("run"), .. AppFolder.TinyRunOf(epochs: 20), "--base-lr", "1e30", "--warmup", "0"]);
        Refused(result, 1, "not finite", "step-", "--base-lr");
        Assert.Contains("warning:", result.Output);
        var run = new RunFolder(folder.Inside("run"));
        Assert.True(File.Exists(run.Report) && File.Exists(run.Metrics));
        Assert.NotNull(Checkpoint.Read(run.Path));
    }

    private AppResult Pretrain(string data, params string[] more) =>
        AppProcess.Run(["pretrain", "--data", data, "--out", folder.Inside("run"), .. AppFolder.TinyRun, .. more]);

    /// <summary>The exit code, and one line on stderr that contains every one of <paramref name="parts"/> and is no stack.</summary>
    private static void Refused(AppResult result, int code, params string[] parts)
    {
        Assert.True(code == result.ExitCode, $"exit code {result.ExitCode}: {result.Error}");
        string line = Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("otomask: ", line);
        Assert.All(parts, part => Assert.Contains(part, line));
        Assert.DoesNotContain("Exception", line);
    }

    private void NothingLeft()
    {
        Assert.All((string[])["run", "cache", "x.npy", "gallery.html"], name => Assert.False(Path.Exists(folder.Inside(name)), $"{name} was left behind"));
        Assert.Empty(Directory.GetFiles(folder.Path, "*.tmp", SearchOption.TopDirectoryOnly));
    }
}

/// <summary>A test that runs the program as a user with few rights: the present one, or nobody where the present one is root.</summary>
internal sealed class UnprivilegedFactAttribute : FactAttribute
{
    public UnprivilegedFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        try
        {
            if (Run("--version").ExitCode != 0)
                Skip = "root may read and write everything, and nobody cannot run the program where it lies";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip = "root may read and write everything, and there is no setpriv to become nobody";
        }
    }

    public static AppResult Run(params string[] arguments) => Environment.IsPrivilegedProcess
        ? AppProcess.RunProgram("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "dotnet", AppProcess.App, .. arguments], _ => { })
        : AppProcess.Run(arguments);
}

/// <summary>A test that gives the program a disk of a few kilobytes, in a mount namespace of its own.</summary>
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        try
        {
            using Process probe = Process.Start(new ProcessStartInfo("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]) { RedirectStandardError = true })!;
            probe.WaitForExit();
            if (probe.ExitCode != 0)
                Skip = "no small disk can be mounted here (unshare -rm mount)";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip = "there is no unshare to mount a small disk with";
        }
    }

    /// <summary>Runs the program with <paramref name="kilobytes"/> of disk at <paramref name="place"/>; the last line of its output says what is left there.</summary>
    public static AppResult Run(string place, int kilobytes, params string[] arguments) => RunWith(_ => { }, place, kilobytes, arguments);

    /// <summary>The same; <paramref name="set"/> may change the program's environment. The shell runs what PREPARE says once the disk is there, and AFTER when the program has ended.</summary>
    public static AppResult RunWith(Action<ProcessStartInfo> set, string place, int kilobytes, params string[] arguments) => AppProcess.RunProgram(
        "unshare",
        [
            "-rm", "bash", "-c", "mount -t tmpfs -o size=$2k tmpfs \"$1\"; shift 2; eval \"${PREPARE:-:}\"; code=0; \"$@\" || code=$?; eval \"${AFTER:-:}\"; echo \"left behind: $(ls -A \"$DISK\")\"; exit $code", "bash",
            place, $"{kilobytes}", "dotnet", AppProcess.App, .. arguments,
        ],
        start =>
        {
            start.Environment["DISK"] = place;
            set(start);
        });
}
