using System.CommandLine;
using OtoMask.Torch;

namespace OtoMask.App.Commands;

/// <summary>The option <c>--device</c> of verbs whose values are no configuration.</summary>
internal sealed class DeviceOption : Option<string>
{
    /// <param name="what">What is computed there, for example <c>Where the encoder runs</c>.</param>
    public DeviceOption(string what) : base("--device")
    {
        Description = $"{what}: cpu, cuda, cuda:1.";
        HelpName = "cpu|cuda:0";
        DefaultValueFactory = _ => Device.Cpu.Name;
    }

    /// <summary>The device.</summary>
    /// <exception cref="UserErrorException">This machine, or this libtorch, has none of that name.</exception>
    public Device Read(ParseResult line) => Devices.Find(line.GetRequiredValue(this));
}
