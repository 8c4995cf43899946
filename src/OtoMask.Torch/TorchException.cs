namespace OtoMask.Torch;

/// <summary>libtorch refused a call, or could not be loaded; the message is libtorch's own, without its backtrace.</summary>
public sealed class TorchException(string message) : Exception(message);

/// <summary>A variable of the environment asks libtorch or the bridge for what does not exist, or not on this machine.</summary>
public sealed class TorchSettingException(string message) : Exception(message);
