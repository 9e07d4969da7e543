-- The health of a TradingDesk: whether its ceilings can be read. What each state means: manifests/argocd/README.md.
local function map(value)
  if type(value) == "table" then
    return value
  end
  return {}
end

local metadata, spec, status = map(obj.metadata), map(obj.spec), map(obj.status)

local function condition(kind)
  for _, item in ipairs(map(status.conditions)) do
    if type(item) == "table" and item.type == kind then
      return item
    end
  end
  return {}
end

local function say(health, message)
  local hs = { status = health, message = "" }
  if type(message) == "string" then
    hs.message = message
  end
  return hs
end

if metadata.deletionTimestamp ~= nil then
  return say("Progressing", "is being deleted")
end

local ready = condition("Ready")
local generation = metadata.generation
if type(generation) ~= "number" or status.observedGeneration ~= generation or ready.observedGeneration ~= generation then
  return say("Progressing", "the operator has not looked at this generation yet")
end

if condition("Stalled").status == "True" then
  return say("Degraded", condition("Stalled").message)
end
if ready.status == "True" then
  return say("Healthy", ready.message)
end
if ready.status == "False" then
  return say("Degraded", ready.message)
end
return say("Progressing", ready.message)
