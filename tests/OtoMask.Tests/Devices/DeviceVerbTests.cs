using System.Text.Json.Nodes;
using OtoMask.Interop;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Evaluation;
using OtoMask.Tests.Studies;

namespace OtoMask.Tests.Devices;

/// <summary>Every verb that computes, with <c>--device</c>, in processes that <c>OTOMASK_BACKEND</c> gives the pretended device: a tensor left on the wrong side is an error there.</summary>
public sealed class DeviceVerbTests : IDisposable
{
    private const string Device = "privateuseone";
    private readonly AppFolder folder = new();
    private readonly ToneTask tones = new();

    public void Dispose()
    {
        folder.Dispose();
        tones.Dispose();
    }

    [Fact]
    public void A_run_and_what_is_made_of_it()
    {
        string run = folder.Inside("run"), tuned = folder.Inside("tuned"), clip = Path.Combine(tones.Folder, "1.wav");
        Ok("pretrain", "--data", tones.Folder, "--out", run, "--encoder", "16/1/2", "--decoder", "16/1/2", "--input", "80x48", "--batch", "4", "--epochs", "1", "--min-clips", "0", "--task", tones.CsvPath, "--device", Device);
        Assert.Contains("\ndevice: privateuseone:0\n", File.ReadAllText(new RunFolder(run).Config));
        Assert.Contains(File.ReadLines(new RunFolder(run).Log), line => line.Contains("knn/tones"));

        Ok("pretrain", "--resume", run, "--device", Device + ":0");
        Refused("pretrain", "--resume", run, "--device", "cpu");
        Ok("pretrain", "--from", run, "--data", tones.Folder, "--out", folder.Inside("from"), "--input", "80x96", "--batch", "4", "--steps", "2", "--min-clips", "0", "--evaluate-every", "0", "--device", Device + ":1");

        Ok("embed", run, tones.Folder, "--out", folder.Inside("there.npy"), "--device", Device);
        Ok("embed", run, tones.Folder, "--out", folder.Inside("here.npy"));
        AssertClose(NpyFile.Read(folder.Inside("here.npy")).Values, NpyFile.Read(folder.Inside("there.npy")).Values);

        foreach (string mode in (string[])["strict", "tuned"])
        {
            double[] Scores(string device)
            {
                Ok("probe", run, "--task", tones.CsvPath, "--mode", mode, "--seeds", "1", "--device", device, "--out", folder.Inside("numbers.json"));
                return [.. JsonNode.Parse(File.ReadAllText(folder.Inside("numbers.json")))!["results"]!.AsArray().Select(result => (double)result!["value"]!)];
            }
            AssertClose([.. Scores("cpu").Select(score => (float)score)], [.. Scores(Device).Select(score => (float)score)]);
        }

        string[] tuning = ["finetune", run, "--task", tones.CsvPath, "--out", tuned, "--epochs", "2", "--batch", "8"];
        Ok([.. tuning, "--stop-at", "1", "--device", Device]);
        Refused("finetune", "--resume", tuned, "--device", "cpu");
        Ok("finetune", "--resume", tuned, "--device", Device + ":0");
        Assert.Equal(Ok("predict", tuned, clip).Output, Ok("predict", tuned, clip, "--device", Device).Output);
        Ok("export", run, "--format", "onnx", "--out", folder.Inside("model.onnx"));
    }

    [Fact]
    public void Benches_and_what_the_doctor_says()
    {
        string[] model = ["--encoder", "16/1/2", "--input", "80x48", "--device", Device];
        foreach (string mask in (string[])["dwm", "sgim"])
            Assert.Contains("clips/s", Ok(["bench", "train", "--steps", "2", "--decoder", "16/1/2", "--batch", "4", "--mask", mask, .. model]).Output);
        Assert.Contains("sgim-spectral", Ok(["bench", "masks", "--seconds", "0.01", "--batch", "4", .. model]).Output);
        Assert.Contains("clips/s", Ok(["bench", "embed", .. model]).Output);
        Assert.Contains("privateuseone:0, privateuseone:1", Ok("doctor").Output);
        Run("bench", "train", "--device", Device + ":2").AssertUserError("--device privateuseone:2");
    }

    [Fact]
    public void A_device_that_is_full_is_told_in_one_line()
    {
        string[] verb = [AppProcess.App, "bench", "train", "--encoder", "16/1/2", "--decoder", "16/1/2", "--input", "80x48", "--batch", "4", "--device", Device];
        AppResult full = AppProcess.RunProgram("dotnet", verb, start =>
        {
            start.Environment[PretendedDevice.Variable] = PretendedDevice.Library;
            start.Environment["PRETENDED_DEVICE_BYTES"] = "100000";
        });
        Assert.Equal(1, full.ExitCode);
        Assert.Matches("^otomask: pretended device out of memory. Tried to allocate [0-9]+ bytes; try a smaller --batch\n$", full.Error);
    }

    [Fact]
    public void A_study_with_its_survey_of_masks()
    {
        using var fixture = new StudyFixture();
        string file = Path.Combine(fixture.Folder, "study.yaml"), study = Path.Combine(fixture.Folder, "study");
        File.WriteAllText(file, fixture.Yaml.Replace("seeds: [1, 2]", "seeds: [1]", StringComparison.Ordinal));
        Ok("study", file, "--out", study, "--device", Device);
        Assert.Contains("\ndevice: privateuseone:0\n", File.ReadAllText(new RunFolder(Path.Combine(study, "runs", "m2d", "sgim", "seed-1")).Config));
        Assert.Contains("sgim", File.ReadAllText(Path.Combine(study, "masks.json")));
        Run("study", file, "--out", study, "--report-only", "--device", Device).AssertUserError("--device has no effect");
    }

    [Fact]
    public void A_backend_that_cannot_be_loaded_is_said_in_one_line() =>
        AppProcess.RunWith(PretendedDevice.Variable, folder.Inside("libx.so"), "predict", "x", "y", "--device", Device).AssertUserError("OTOMASK_BACKEND", "libx.so is not there", "unset it");

    private static AppResult Run(params string[] arguments) => AppProcess.RunWith(PretendedDevice.Variable, PretendedDevice.Library, arguments);

    private static AppResult Ok(params string[] arguments)
    {
        AppResult result = Run(arguments);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result.Error}{result.Output}");
        return result;
    }

    private static void Refused(params string[] arguments)
    {
        AppResult result = Run(arguments);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("device privateuseone:0 -> cpu", result.Error);
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float largest = expected.Max(MathF.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f * largest));
    }
}
