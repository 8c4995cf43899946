namespace OtoMask.Models;

/// <summary>Random numbers that a framework wants in the place of what is hidden: anew at every step, for every mask of a clip.</summary>
/// <param name="Width">W, numbers for each masked patch.</param>
/// <param name="Deviation">Their standard deviation; they are normal, of mean 0.</param>
public readonly record struct MaskNoise(int Width, double Deviation);
