-- The health of a PromotionGate: whether it can do its job, which is also to say no, for as long as it takes.
-- By the types and reasons of its conditions; messages are passed on and never read.
-- What each state means and why: manifests/argocd/README.md.
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
if spec.suspend == true then
  return say("Suspended", ready.message)
end

-- a grant that was lost is Degraded until there is one again, or another subject is known to begin anew
if status.grant == nil then
  local last, digest = {}, map(status.subject).digest
  for _, entry in ipairs(map(status.history)) do
    local event = map(entry).event
    if event == "Granted" or event == "BreakGlass" or event == "Lost" then
      last = entry
    end
  end
  if last.event == "Lost" and (digest == nil or digest == last.digest) then
    return say("Degraded", last.message)
  end
end

if condition("Reconciling").status == "True" then
  return say("Progressing", condition("Reconciling").message)
end
if ready.status == "False" then
  return say("Degraded", ready.message)
end

local passed = condition("Passed")
if ready.status == "True" and passed.observedGeneration == generation then
  if condition("BreakGlass").status == "True" then
    return say("Healthy", condition("BreakGlass").message)
  end
  if passed.status == "True" or passed.status == "False" then
    return say("Healthy", passed.message)
  end
end
return say("Progressing", ready.message)
