using OtoMask.App.Bench;
using OtoMask.Configuration;
using OtoMask.FineTuning;
using OtoMask.Torch;

namespace OtoMask.Tests.Devices;

/// <summary>Devices by name, and tensors on one that is not the processor.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class DeviceTests
{
    [Theory]
    [InlineData("cuda", "cuda:0"), InlineData("cuda:1", "cuda:1"), InlineData("cpu:0", "cpu"), InlineData("privateuseone", "privateuseone:0")]
    public void A_device_without_a_number_is_the_first_of_its_kind(string name, string device)
    {
        Assert.Equal(new Device(device), new Device(name));
        Assert.Equal(device, new Device(name).ToString());
        var config = ConfigKeys.Find("device").Set(new PretrainingConfig { Data = "x" }, name);
        Assert.Equal(device, config.Device);
        Assert.Empty(ConfigChange.Between(ConfigKeys.All, config, config with { Device = name }));
        var tuning = new FineTuningConfig { Checkpoint = "x", Task = "y", Device = device };
        Assert.Empty(ConfigChange.Between(FineTuningKeys.All, tuning, tuning with { Device = name }));
    }

    [Theory]
    [InlineData("privateuseone:2"), InlineData("privateuseone:-1"), InlineData("privateuseone:00"), InlineData("privateuseone: 1"), InlineData("privateuseone:"), InlineData("gpu"), InlineData(":0"), InlineData("")]
    public void What_is_not_there_is_no_device(string name)
    {
        Assert.True(TorchRuntime.Has(PretendedDevice.At(1)));
        Assert.False(TorchRuntime.Has(new Device(name)));
        Assert.Contains("`device`", Assert.Throws<UserErrorException>(() => OtoMask.Devices.Find(name)).Message);
    }

    [Fact]
    public void Values_go_over_in_one_copy_that_nobody_waits_for_and_come_back_as_they_were()
    {
        using var scope = new TensorScope();
        Device device = PretendedDevice.First;
        float[] values = [1, -2, 3.5f, float.NaN, 0, 9];
        PretendedDevice.Forget();
        Tensor[] sent = Tensor.Send(device, HostArray.Of(values, 2, 3), HostArray.Of(new long[] { 7, long.MinValue, 1 }, 2), HostArray.Of(new double[] { 0.1 }), HostArray.Of(Array.Empty<float>(), 0, 4));
        Assert.Equal(new Traffic(1, 0, 0), PretendedDevice.Traffic);

        Assert.All(sent, tensor => Assert.Equal(device, tensor.Device));
        Assert.Equal([2L, 3], sent[0].Shape);
        Assert.Equal(values, sent[0].ToArray<float>());
        Assert.Equal([7, long.MinValue], sent[1].ToArray<long>()); // the array may be longer
        Assert.Equal(0.1, sent[2].Item());
        Assert.Equal([0L, 4], sent[3].Shape);
        Assert.Equal(3, PretendedDevice.Traffic.Waits);
    }

    /// <summary>What is measured is the device, not how long a number takes to come back from it.</summary>
    [Fact]
    public void The_yardstick_of_products_waits_once_in_many_and_reads_nothing()
    {
        foreach (int inRow in (int[])[1, 50])
        {
            PretendedDevice.Forget();
            Assert.True(GemmSpeed.SecondsOf(DType.Float32, PretendedDevice.First, size: 8, inRow, seconds: 0, CancellationToken.None) > 0);
            Traffic traffic = PretendedDevice.Traffic;
            Assert.Equal((4, 0), (traffic.Waits, traffic.ToHost)); // a wait to warm up, and three times that are measured
        }
        Assert.True(GemmSpeed.Measure(DType.Float32, PretendedDevice.First, seconds: 0, CancellationToken.None) > 0);
    }

    [Fact]
    public void A_mix_of_devices_is_an_error_as_on_a_GPU()
    {
        using var scope = new TensorScope();
        Tensor here = Tensor.From([1f, 2], 2), there = here.To(PretendedDevice.First), elsewhere = here.To(PretendedDevice.At(1));
        Assert.Contains("same device", Assert.Throws<TorchException>(() => here + there).Message);
        Assert.Contains("same device", Assert.Throws<TorchException>(() => there + elsewhere).Message);
        Assert.Equal([2f, 4], (there + there).ToArray<float>());
    }

    /// <summary>By libtorch since 2.9; before, nobody tells.</summary>
    [Fact]
    public void A_device_tells_how_much_of_its_memory_was_reserved_at_most()
    {
        using var scope = new TensorScope();
        Assert.Null(TorchRuntime.PeakMemoryOf(Device.Cpu));
        using (new TensorScope())
            Tensor.Zeros(PretendedDevice.At(1), DType.Float32, 1 << 20).ToArray<float>();
        long? peak = TorchRuntime.PeakMemoryOf(PretendedDevice.At(1));
        if (Tells)
            Assert.InRange(peak!.Value, 4 << 20, 1L << 40);
        else
            Assert.Null(peak);
    }

    private static bool Tells => Version.Parse(TorchRuntime.Describe().Split('\n')[0].Split(' ', '+')[1]) >= new Version(2, 9);

    [Fact]
    public void A_library_that_is_none_is_named()
    {
        Assert.Contains("is not there", Assert.Throws<TorchLoadException>(() => TorchRuntime.LoadBackend("/nowhere/libx.so")).Message);
        string text = Path.GetTempFileName();
        try
        {
            Assert.Contains($"{text} cannot be loaded", Assert.Throws<TorchLoadException>(() => TorchRuntime.LoadBackend(text)).Message);
        }
        finally
        {
            File.Delete(text);
        }
    }
}
