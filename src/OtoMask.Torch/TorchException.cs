namespace OtoMask.Torch;

/// <summary>libtorch refused a call, or could not be loaded; the message is libtorch's own, without its backtrace.</summary>
public sealed class TorchException(string message) : Exception(message);
