namespace OtoMask.Audio;

/// <summary>Triangular filters on the Slaney mel scale, each of unit area (docs/method.md section 1).</summary>
/// <remarks>Slaney, "Auditory Toolbox", 1998: linear below 1000 Hz, logarithmic above.</remarks>
internal static class MelFilterBank
{
    private const double HzPerMel = 200.0 / 3, BreakHz = 1000, BreakMel = BreakHz / HzPerMel;
    private static readonly double LogStep = Math.Log(6.4) / 27;

    /// <summary>The weights [Bands, FftSize / 2 + 1] from power of an FFT bin to power of a band.</summary>
    public static float[] Weights(LogMelSettings settings)
    {
        int bins = settings.FftSize / 2 + 1;
        double lowest = ToMel(settings.MinHz), highest = ToMel(settings.MaxHz);
        double[] edges = new double[settings.Bands + 2];
        for (int i = 0; i < edges.Length; i++)
            edges[i] = ToHz(lowest + (highest - lowest) * i / (edges.Length - 1));

        float[] weights = new float[settings.Bands * bins];
        for (int band = 0; band < settings.Bands; band++)
        {
            double left = edges[band], centre = edges[band + 1], right = edges[band + 2];
            for (int bin = 0; bin < bins; bin++)
            {
                double hz = (double)bin * settings.SampleRate / settings.FftSize;
                double height = Math.Min((hz - left) / (centre - left), (right - hz) / (right - centre));
                weights[band * bins + bin] = (float)(Math.Max(0, height) * 2 / (right - left));
            }
        }
        return weights;
    }

    private static double ToMel(double hz) => hz < BreakHz ? hz / HzPerMel : BreakMel + Math.Log(hz / BreakHz) / LogStep;

    private static double ToHz(double mel) => mel < BreakMel ? mel * HzPerMel : BreakHz * Math.Exp((mel - BreakMel) * LogStep);
}
